import type { AlarmTopic } from "../components/alarmTopic";
import type { ContainerImage } from "../components/containerImage";
import { FailoverController } from "../components/failoverController";
import type { NodePool } from "../components/nodePool";
import type { Scope } from "../components/scope";
import { FAILOVER_CONTROLLER, failoverSettingsSchema } from "../contracts/failover";
import { capacityProbes, hasProbes, probeName } from "./capacityProbes";
import type { FleetConfig } from "./config/schema";
import type { FleetNamespace } from "./fleetNamespace";
import type { Platform } from "./platform";
import type { Realtime } from "./realtime";
import type { ResolvedModel } from "./resolve";

export interface FailoverArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly models: readonly ResolvedModel[];
  readonly platform: Platform;
  readonly realtime: Realtime;
  readonly namespace: FleetNamespace;
  /** By unit. */
  readonly nodePools: ReadonlyMap<string, NodePool>;
  readonly image: ContainerImage;
  readonly topic: AlarmTopic;
}

/** What moves traffic when an accelerator is sold out: the controller, and a probe for each unit. */
export function failover(args: FailoverArgs): void {
  const { scope, config, models, platform, realtime, nodePools, topic } = args;
  const namespace = args.namespace.name;
  const units = models.flatMap((model) => model.units);
  const probes = hasProbes(config)
    ? capacityProbes({ scope, units, platform, namespace, nodePools })
    : [];
  new FailoverController(
    FAILOVER_CONTROLLER,
    {
      scope,
      namespace,
      cluster: platform.cluster,
      placement: platform.placement,
      image: args.image.reference,
      settings: settingsOf(config),
      targets: {
        routes: models.map(({ name }) => name),
        scaledObjects: units.map(({ name }) => name),
        probes: hasProbes(config) ? units.map(({ name }) => probeName(name)) : [],
      },
      ...(config.failover.notify ? { topic: { arn: topic.arn, keyArn: topic.keyArn } } : {}),
    },
    {
      providers: platform.providers,
      // It comes after what it writes to, and goes before.
      dependsOn: [
        ...platform.controllersReady,
        ...realtime.routed,
        ...probes.map(({ deployment }) => deployment),
      ],
    },
  );
}

/** The controller's own settings, out of what the config says of fail-over. */
function settingsOf({ failover }: FleetConfig) {
  const { enabled, notify, controller, ...settings } = failover;
  return failoverSettingsSchema.parse(settings);
}
