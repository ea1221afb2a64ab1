import { z } from "zod";
import { duration, durationOrNever, nodeCount } from "./scalars";

export const nodesSchema = z
  .strictObject({
    bottlerocketVersion: z
      .string()
      .regex(/^\d+\.\d+\.\d+$/, "a Bottlerocket release, e.g. 1.57.0")
      .default("1.57.0")
      .describe("Bottlerocket release of all nodes, pinned."),
    al2023Version: z
      .string()
      .regex(/^20\d{6}$/, "a release of the EKS-optimised AL2023 image, e.g. 20260318")
      .optional()
      .describe("AL2023 release, pinned; wanted when a unit has `nodeImage: al2023`."),
    dataVolumeGiB: z
      .int()
      .min(50)
      .max(16384)
      .default(100)
      .describe("Size of a node's data volume (images), GiB; not below the snapshot's, with one."),
    consolidateAfter: durationOrNever
      .default("10m")
      .describe("How long a node stays empty or under-used before Karpenter removes it."),
    expireAfter: durationOrNever.default("336h").describe("A node's longest life."),
    terminationGracePeriod: duration
      .default("30m")
      .describe("How long a node that must go waits for its pods."),
    disruptionBudget: nodeCount
      .default("1")
      .describe("Nodes of a pool that may be disrupted at a time."),
    loadingProtection: duration
      .default("20m")
      .describe(
        "How long a new pod is protected from voluntary disruption while it loads its model.",
      ),
  })
  .prefault({})
  .describe("The accelerated nodes that Karpenter launches.");
