import type { Area, Rule } from "./rule";
import { api } from "./rules/api";
import { cost } from "./rules/cost";
import { identity } from "./rules/identity";
import { messaging } from "./rules/messaging";
import { network } from "./rules/network";
import { nodes } from "./rules/nodes";
import { observability } from "./rules/observability";
import { sagemaker } from "./rules/sagemaker";
import { scaling } from "./rules/scaling";
import { storage } from "./rules/storage";
import { supply } from "./rules/supply";
import { workloads } from "./rules/workloads";

/** Every rule, in the order of docs/policies.md. */
export const areas: readonly Area[] = [
  supply,
  identity,
  storage,
  messaging,
  api,
  network,
  nodes,
  workloads,
  scaling,
  sagemaker,
  cost,
  observability,
];

export const rules: readonly Rule[] = areas.flatMap((area) => area.rules);
