import * as z from "zod";
import {
  FAILOVER_SETTINGS_KEY,
  type FailoverSettings,
  failoverSettingsSchema,
} from "../../contracts/failover";
import { type ModelRouteTable, modelRouteTableSchema } from "../../contracts/routeTable";
import { field } from "./observe/field";

/** What the program has written for the controller, read from its ConfigMaps. */

/** Reading gave a value, or says what is wrong: the last good value then stays in force. */
export type Read<Value> =
  | { readonly value: Value; readonly problem?: undefined }
  | { readonly problem: string };

/** @param raw the ConfigMap failover-settings */
export function readSettings(raw: unknown): Read<FailoverSettings> {
  return parsed(dataOf(raw)[FAILOVER_SETTINGS_KEY], failoverSettingsSchema, FAILOVER_SETTINGS_KEY);
}

/**
 * The tables of all models, each for itself: a broken one does not take the others along.
 *
 * @param raw the ConfigMap route-tables
 */
export function readTables(raw: unknown): ReadonlyMap<string, Read<ModelRouteTable>> {
  return new Map(
    Object.entries(dataOf(raw))
      .filter(([key]) => key.endsWith(".json"))
      .map(([key, text]) => [
        key.slice(0, -".json".length),
        parsed(text, modelRouteTableSchema, key),
      ]),
  );
}

/** The JSON documents of a ConfigMap by key. */
export function dataOf(raw: unknown): Readonly<Record<string, unknown>> {
  const data = field(raw, "data");
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}

function parsed<Value>(text: unknown, schema: z.ZodType<Value>, key: string): Read<Value> {
  if (typeof text !== "string") return { problem: `${key} is missing` };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { problem: `${key} is no JSON: ${(error as Error).message}` };
  }
  const result = schema.safeParse(json);
  return result.success
    ? { value: result.data }
    : { problem: `${key}: ${z.prettifyError(result.error).replaceAll("\n", " ")}` };
}
