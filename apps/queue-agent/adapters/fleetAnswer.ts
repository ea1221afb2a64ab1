import * as z from "zod";
import type { JsonObject, JsonValue } from "../json";
import { TaskFailed } from "../taskFailed";
import type { RuntimeResult } from "./adapter";
import { base64Image } from "./base64Image";

const answerSchema = z.looseObject({
  data: z.array(z.looseObject({ b64_json: z.string() })).min(1),
});

/**
 * What our inference server has made, by its answer.
 *
 * @throws TaskFailed `runtime` when there are no images in it
 */
export function fleetResult(answer: JsonValue): RuntimeResult {
  const { success, data: parsed } = answerSchema.safeParse(answer);
  if (!success)
    throw new TaskFailed(
      "runtime",
      "the runtime's answer has no images: data[].b64_json is wanted",
    );
  return {
    images: parsed.data.map(({ b64_json }, index) =>
      base64Image(b64_json, `data[${index}].b64_json`),
    ),
    output: {
      ...(answer as JsonObject),
      data: parsed.data.map(({ b64_json: _, ...rest }) => rest as JsonObject),
    },
  };
}
