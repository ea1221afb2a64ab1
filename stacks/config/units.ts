import { z } from "zod";
import { count, positive, shortName } from "./scalars";

export const unitSchema = z.strictObject({
  model: shortName.describe("A model of `models`."),
  accelerator: z.string().describe("An accelerator of the catalogue, e.g. inf2."),
  framework: z.enum(["neuron", "cuda", "triton"]).describe("What runs the model."),
  instanceTypes: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Sizes of the accelerator to launch; absent: the catalogue's smallest."),
  capacityTypes: z
    .array(z.enum(["on-demand", "spot", "reserved"]))
    .min(1)
    .default(["on-demand"])
    .describe("What Karpenter may launch; it prefers reserved, then spot."),
  capacityReservationIds: z
    .array(z.string().regex(/^cr-[0-9a-f]{8,17}$/, "a capacity reservation id, cr-…"))
    .max(30)
    .default([])
    .describe("Capacity reservations; wants `reserved` among `capacityTypes`."),
  nodeImage: z
    .enum(["bottlerocket", "al2023"])
    .default("bottlerocket")
    .describe(
      "Operating system of the nodes. AL2023 gets the NVIDIA device plugin from its chart.",
    ),
  devices: z.int().min(1).default(1).describe("Devices per replica."),
  replicas: z
    .strictObject({
      min: z
        .int()
        .min(1)
        .default(1)
        .describe("Replicas at least: a share of the traffic needs one."),
      max: z.int().min(1).default(10).describe("Replicas at most."),
    })
    .prefault({})
    .describe("Bounds of the autoscaler."),
  headroom: count
    .default(0)
    .describe("Replicas' worth of devices kept ready by low-priority placeholders."),
  weight: z
    .int()
    .min(0)
    .max(999)
    .optional()
    .describe("Share of the traffic in cost mode; absent: published or derived."),
  measurement: z
    .strictObject({
      throughput: positive.describe("Images per minute per replica at the breaking point."),
      latencySeconds: positive.describe("Seconds per image there."),
    })
    .optional()
    .describe("What was measured under load; wanted for units that the catalogue does not know."),
  pricePerHour: positive
    .optional()
    .describe("US dollars per machine and hour; absent: the catalogue's on-demand price."),
  env: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/, "a variable's name in capitals"), z.string())
    .default({})
    .describe(
      "More settings for the server. With a value set by `--secret --path`, all of them are kept in a Kubernetes Secret.",
    ),
});

/** What a unit's or a runtime's config says of its machines. */
export type MachineConfig = Pick<
  z.infer<typeof unitSchema>,
  | "accelerator"
  | "framework"
  | "instanceTypes"
  | "capacityTypes"
  | "capacityReservationIds"
  | "nodeImage"
  | "devices"
  | "pricePerHour"
>;

export const unitsSchema = z
  .record(shortName, unitSchema)
  .default({})
  .describe(
    "The deployment units, by name: (model, accelerator, framework). None: no load balancer, and no cluster unless a runtime of `async` wants it.",
  );
