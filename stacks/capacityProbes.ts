import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { CapacityProbe } from "../components/capacityProbe";
import type { NodePool } from "../components/nodePool";
import { nameIn, type Scope } from "../components/scope";
import { labels } from "../contracts/labels";
import { dns1123Label } from "../fleet/names";
import type { FleetConfig } from "./config/schema";
import type { Platform } from "./platform";
import type { ResolvedUnit } from "./resolve";

/** Whether each unit has a capacity probe. */
export function hasProbes({ failover }: FleetConfig): boolean {
  return failover.enabled && failover.probeMinutes > 0;
}

/** Name of a unit's capacity probe. */
export function probeName(unit: string): string {
  return `${unit}-probe`;
}

export interface CapacityProbesArgs {
  readonly scope: Scope;
  readonly units: readonly ResolvedUnit[];
  readonly platform: Platform;
  readonly namespace: pulumi.Input<string>;
  readonly nodePools: ReadonlyMap<string, NodePool>;
}

/** A probe for each unit. */
export function capacityProbes(args: CapacityProbesArgs): readonly CapacityProbe[] {
  const { scope, units, platform, namespace, nodePools } = args;
  const priorityClass = createPriority(args);
  return units.map(
    (unit) =>
      new CapacityProbe(
        probeName(unit.name),
        {
          scope,
          namespace,
          unit: unit.name,
          accelerator: unit.accelerator,
          devices: unit.config.devices,
          priorityClassName: priorityClass.metadata.name,
        },
        {
          providers: platform.providers,
          dependsOn: [
            nodePools.get(unit.name)!.resource,
            ...platform.karpenter,
            ...platform.devicePlugins,
          ],
        },
      ),
  );
}

/** Below headroom: a warm machine for replicas is worth more than an answer. */
function createPriority({
  scope,
  platform,
}: CapacityProbesArgs): kubernetes.scheduling.v1.PriorityClass {
  return new kubernetes.scheduling.v1.PriorityClass(
    "capacity-probe",
    {
      metadata: {
        name: nameIn(scope, "capacity-probe", dns1123Label),
        labels: labels("capacity-probe"),
      },
      value: -20,
      preemptionPolicy: "Never",
      description: "Placeholders that find out whether there are machines again.",
    },
    { provider: platform.providers.kubernetes },
  );
}
