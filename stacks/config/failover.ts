import { z } from "zod";
import { failoverSettingsSchema } from "../../contracts/failover";
import { imageDigest, imageTag } from "./scalars";

/** The version of the controller in this checkout. */
export const CONTROLLER_TAG = "0.1.0";

export const failoverSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        "Run the fail-over controller: it then owns the routes' rules and the scaling targets.",
      ),
    ...failoverSettingsSchema.shape,
    notify: z
      .boolean()
      .default(true)
      .describe("Tell the alarm topic of each switch, with its reason."),
    controller: z
      .strictObject({
        source: z
          .enum(["external", "local"])
          .default("external")
          .describe(
            "`external`: an image that the user pushed; `local`: built by `pulumi up` with Docker from apps/failover-controller.",
          ),
        repository: z
          .string()
          .optional()
          .describe(
            "With `external`: repository without tag. Absent: the program's own ECR repository.",
          ),
        tag: imageTag.default(CONTROLLER_TAG).describe("With `external`: the image's tag."),
        digest: imageDigest.optional().describe("With `external`: its digest; wins over the tag."),
      })
      .prefault({})
      .describe("The controller's image."),
  })
  .prefault({})
  .describe("Traffic that moves by itself when an accelerator is sold out, and back.");
