/** Which serving paths an environment has, and what they stand on. */

import type { FleetConfig } from "./config/schema";

/** Units behind a load balancer. */
export function servesRealtime({ units }: Pick<FleetConfig, "units">): boolean {
  return Object.keys(units).length > 0;
}

/** Runtimes that work off queues. */
export function servesQueues({ async: path }: Pick<FleetConfig, "async">): boolean {
  return path.enabled && Object.keys(path.runtimes).length > 0;
}

/** Whether anything runs on Kubernetes. */
export function needsCluster(config: Pick<FleetConfig, "units" | "async">): boolean {
  return servesRealtime(config) || servesQueues(config);
}

/** Whether anything is attached to a VPC. */
export function needsNetwork(config: FleetConfig): boolean {
  const { sagemaker } = config;
  return (
    needsCluster(config) || (sagemaker.enabled && sagemaker.vpcOnly) || ownsApiEndpoint(config)
  );
}

/** Whether the program makes the endpoint that a private API is reached through. */
export function ownsApiEndpoint({ async: { enabled, api } }: Pick<FleetConfig, "async">): boolean {
  return enabled && api.endpoint === "private" && api.vpcEndpointIds.length === 0;
}
