import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { SERVICE_PORT } from "../contracts/routeTable";

export interface ServerServiceArgs {
  readonly namespace: pulumi.Input<string>;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of the servers' pods. */
  readonly selector: Readonly<Record<string, string>>;
}

/**
 * A Service over inference servers, for the load balancer to take its targets from.
 *
 * `pulumi up` does not wait for pods behind it: while models load, or in a shortage, there are none.
 */
export function serverService(
  name: string,
  { namespace, labels, selector }: ServerServiceArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.core.v1.Service {
  return new kubernetes.core.v1.Service(
    name,
    {
      metadata: { name, namespace, labels, annotations: { "pulumi.com/skipAwait": "true" } },
      spec: {
        type: "ClusterIP",
        selector,
        ports: [
          {
            name: "http",
            port: SERVICE_PORT,
            targetPort: "http",
            protocol: "TCP",
            appProtocol: "http",
          },
        ],
      },
    },
    opts,
  );
}
