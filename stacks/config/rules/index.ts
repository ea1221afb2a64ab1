import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";
import { asyncProblems } from "./async";
import { failoverProblems } from "./failover";
import { gatewayProblems } from "./gateway";
import { imageProblems } from "./images";
import { modelProblems } from "./models";
import { pathProblems } from "./paths";
import { platformProblems } from "./platform";
import { sagemakerProblems } from "./sagemaker";
import { unitProblems } from "./units";

/** What is wrong between keys, each of which is well-formed for itself. */
export function crossFieldProblems(config: FleetConfig, region: string): Problem[] {
  return [
    ...platformProblems(config, region),
    ...modelProblems(config),
    ...unitProblems(config, region),
    ...imageProblems(config),
    ...gatewayProblems(config, region),
    ...failoverProblems(config),
    ...asyncProblems(config, region),
    ...sagemakerProblems(config, region),
    ...pathProblems(config),
  ];
}
