import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { DeploymentUnit } from "../components/deploymentUnit";
import { Gateway } from "../components/gateway";
import { Headroom } from "../components/headroom";
import { ModelRoute } from "../components/modelRoute";
import type { ModelVolume } from "../components/modelVolume";
import type { NodePool } from "../components/nodePool";
import { nameIn, type Scope } from "../components/scope";
import { UnitScaling } from "../components/unitScaling";
import { labels } from "../contracts/labels";
import { type ModelRouteTable, ROUTE_TABLES_CONFIG_MAP } from "../contracts/routeTable";
import { dns1123Label } from "../fleet/names";
import { artefactOf } from "./artefacts";
import { hasProbes } from "./capacityProbes";
import type { FleetConfig } from "./config/schema";
import type { FleetNamespace } from "./fleetNamespace";
import type { ServerImages } from "./images";
import type { Platform } from "./platform";
import type { ResolvedModel, ResolvedUnit } from "./resolve";
import { routeTable } from "./routeTables";
import type { Storage } from "./storage";

export interface RealtimeArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly models: readonly ResolvedModel[];
  readonly platform: Platform;
  readonly storage: Storage;
  readonly images: ServerImages;
  readonly namespace: FleetNamespace;
  /** By unit. */
  readonly nodePools: ReadonlyMap<string, NodePool>;
  /** Something in `units` is encrypted: the units' settings are kept as secrets. */
  readonly secretSettings: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** What others need of the realtime path. */
export interface Realtime {
  readonly gateway: Gateway;
  /** What a fail-over writes to: routes, ScaledObjects, and the tables that it goes by. */
  readonly routed: readonly pulumi.Resource[];
}

/** The realtime serving path: units and their scaling, and the load balancer in front. */
export function realtime(args: RealtimeArgs): Realtime {
  const { config, models, platform, nodePools } = args;
  const { name: namespace, models: volume } = args.namespace;
  const gateway = createGateway(args, namespace);
  const priorityClass = createHeadroomPriority(args);

  const tables = models.map((model) =>
    routeTable(model, {
      scope: args.scope,
      ruleFilter: gateway.ruleFilter,
      authenticationName: platform.kedaAuthentication.name,
      probes: hasProbes(config),
      consolidateAfter: config.nodes.consolidateAfter,
    }),
  );
  const routed: pulumi.Resource[] = [];
  const routable: pulumi.Resource[] = [];
  models.forEach((model, index) => {
    const table = tables[index]!;
    const units = model.units.map((unit) => {
      const nodePool = nodePools.get(unit.name)!;
      if (unit.config.headroom > 0) createHeadroom(args, unit, namespace, priorityClass!, nodePool);
      const deployed = createUnit(args, model, unit, { namespace, volume, nodePool });
      routed.push(createScaling(args, table, unit, namespace, deployed).resource);
      return deployed;
    });
    const route = new ModelRoute(
      model.name,
      {
        namespace,
        gateway,
        table,
        hostnames: model.config.hostnames,
        failover: config.failover.enabled,
        targetGroup: targetGroupSettings(config),
        units,
      },
      { providers: platform.providers, dependsOn: platform.loadBalancerController },
    );
    routed.push(route.route);
    routable.push(...route.routable);
  });
  routed.push(createRouteTables(args, namespace, tables, routable));
  return { gateway, routed };
}

function createGateway(
  { scope, config, platform, storage, tags }: RealtimeArgs,
  namespace: pulumi.Output<string>,
): Gateway {
  const { gateway } = config;
  const { network } = platform;
  const facing = gateway.scheme === "internet-facing";
  const everyone = facing ? ["0.0.0.0/0"] : [network.vpcCidr];
  return new Gateway(
    "gateway",
    {
      scope,
      namespace,
      scheme: gateway.scheme,
      ...(gateway.certificateArn === undefined ? {} : { certificateArn: gateway.certificateArn }),
      tlsPolicy: gateway.tlsPolicy,
      sourceRanges: gateway.allowedCidrs.length > 0 ? gateway.allowedCidrs : everyone,
      subnetIds: facing ? network.publicSubnetIds : network.privateSubnetIds,
      ...(gateway.webAclArn === undefined ? {} : { webAclArn: gateway.webAclArn }),
      ...(gateway.authentication === undefined ? {} : { authentication: gateway.authentication }),
      ...(gateway.stickiness === undefined
        ? {}
        : { stickinessSeconds: gateway.stickiness.durationSeconds }),
      idleTimeoutSeconds: gateway.idleTimeoutSeconds,
      deletionProtection: gateway.deletionProtection,
      ...(storage.accessLogs === undefined
        ? {}
        : { accessLogBucket: storage.accessLogs.bucketName }),
      tags,
    },
    {
      providers: platform.providers,
      dependsOn: [...platform.loadBalancerController, ...storage.accessLogsReady],
    },
  );
}

/** Placeholders yield to everything and never push anything aside themselves. */
function createHeadroomPriority({ scope, models, platform }: RealtimeArgs) {
  if (!models.some((model) => model.units.some((unit) => unit.config.headroom > 0)))
    return undefined;
  return new kubernetes.scheduling.v1.PriorityClass(
    "headroom",
    {
      metadata: { name: nameIn(scope, "headroom", dns1123Label), labels: labels("headroom") },
      value: -10,
      preemptionPolicy: "Never",
      description: "Placeholders that keep accelerated machines warm.",
    },
    { provider: platform.providers.kubernetes },
  );
}

function createHeadroom(
  { scope, platform }: RealtimeArgs,
  unit: ResolvedUnit,
  namespace: pulumi.Output<string>,
  priorityClass: kubernetes.scheduling.v1.PriorityClass,
  nodePool: NodePool,
): void {
  new Headroom(
    `${unit.name}-headroom`,
    {
      scope,
      namespace,
      unit: unit.name,
      accelerator: unit.accelerator,
      devices: unit.config.devices,
      replicas: unit.config.headroom,
      priorityClassName: priorityClass.metadata.name,
    },
    {
      providers: platform.providers,
      dependsOn: [nodePool.resource, ...platform.karpenter, ...platform.devicePlugins],
    },
  );
}

function createUnit(
  args: RealtimeArgs,
  model: ResolvedModel,
  unit: ResolvedUnit,
  place: {
    readonly namespace: pulumi.Output<string>;
    readonly volume: ModelVolume;
    readonly nodePool: NodePool;
  },
): DeploymentUnit {
  const { scope, config, platform, images } = args;
  const { framework } = unit.config;
  return new DeploymentUnit(
    unit.name,
    {
      scope,
      namespace: place.namespace,
      cluster: platform.cluster,
      model: model.name,
      accelerator: unit.accelerator,
      framework,
      image: images.get(framework)!.reference,
      devices: unit.config.devices,
      podResources: unit.podResources,
      modelClaimName: place.volume.claim.metadata.name,
      artefactPath: artefactOf(config.models, model.name, framework, unit.accelerator.name).path,
      safetyChecker: model.config.safetyChecker,
      drainSeconds: config.scaling.drainSeconds,
      loadingProtection: config.nodes.loadingProtection,
      targetGroup: targetGroupSettings(config),
      env: args.secretSettings ? {} : unit.config.env,
      secretEnv: args.secretSettings ? unit.config.env : {},
    },
    {
      providers: platform.providers,
      dependsOn: [
        place.nodePool.resource,
        place.volume.claim,
        ...platform.karpenter,
        ...platform.devicePlugins,
        ...platform.modelMounts,
        ...platform.loadBalancerController,
      ],
    },
  );
}

function createScaling(
  { config, platform }: RealtimeArgs,
  table: ModelRouteTable,
  unit: ResolvedUnit,
  namespace: pulumi.Output<string>,
  deployed: DeploymentUnit,
): UnitScaling {
  const { scaling } = config;
  return new UnitScaling(
    unit.name,
    {
      namespace,
      deployment: deployed.deployment,
      minReplicas: unit.config.replicas.min,
      maxReplicas: unit.config.replicas.max,
      triggers: table.modes[table.configuredMode].triggers[unit.name]!,
      failover: config.failover.enabled,
      pollingIntervalSeconds: scaling.pollingIntervalSeconds,
      scaleInStabilizationSeconds: scaling.scaleInStabilizationSeconds,
      scaleInPodsPerMinute: scaling.scaleInPodsPerMinute,
      fallbackAfterFailures: scaling.fallbackAfterFailures,
    },
    { providers: platform.providers, dependsOn: platform.keda },
  );
}

/**
 * The tables come after all that they name, as the routes do: the fail-over controller writes at
 * once what they say. They do not wait for the routes, which it leaves alone until there are any.
 */
function createRouteTables(
  { platform }: RealtimeArgs,
  namespace: pulumi.Output<string>,
  tables: readonly ModelRouteTable[],
  routable: readonly pulumi.Resource[],
): kubernetes.core.v1.ConfigMap {
  return new kubernetes.core.v1.ConfigMap(
    ROUTE_TABLES_CONFIG_MAP,
    {
      metadata: {
        name: ROUTE_TABLES_CONFIG_MAP,
        namespace,
        labels: labels(ROUTE_TABLES_CONFIG_MAP),
      },
      data: Object.fromEntries(
        tables.map((table) => [`${table.model}.json`, JSON.stringify(table, null, 2)]),
      ),
    },
    { provider: platform.providers.kubernetes, dependsOn: [...routable] },
  );
}

function targetGroupSettings({ scaling, gateway }: FleetConfig) {
  return {
    drainSeconds: scaling.drainSeconds,
    ...(gateway.stickiness === undefined
      ? {}
      : { stickinessSeconds: gateway.stickiness.durationSeconds }),
  };
}
