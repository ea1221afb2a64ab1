import type * as aws from "@pulumi/aws";
import * as awsNative from "@pulumi/aws-native/provider";
import * as pulumi from "@pulumi/pulumi";
import { AsyncEndpoint } from "../components/asyncEndpoint";
import { ComponentEndpoint } from "../components/componentEndpoint";
import { ecrArn } from "../components/containerImage";
import type { EndpointMachines } from "../components/endpointMachines";
import { endpointNameIn } from "../components/endpointName";
import type { EndpointPlacement } from "../components/endpointPlacement";
import type { DashboardEndpoint } from "../components/endpointRow";
import { createEndpointSecurityGroup } from "../components/endpointSecurityGroup";
import type { EndpointStore } from "../components/endpointStore";
import type { HostedModel } from "../components/hostedModel";
import { InferenceComponent } from "../components/inferenceComponent";
import type { Network } from "../components/network";
import { PrivateBucket } from "../components/privateBucket";
import type { Scope } from "../components/scope";
import type { AlarmedTopic } from "../components/topicAlarm";
import { createTopicKey } from "../components/topicKey";
import { VariantEndpoint } from "../components/variantEndpoint";
import { usageRequestsMetric } from "../contracts/metrics";
import { usageRateExpression } from "../fleet/usageRate";
import type { FleetConfig } from "./config/schema";
import type { ServerImages } from "./images";
import type {
  ManagedMachines,
  ResolvedAsyncEndpoint,
  ResolvedComponent,
  ResolvedComponentEndpoint,
  ResolvedEndpoints,
  ResolvedHosting,
  ResolvedVariantEndpoint,
} from "./resolveEndpoints";
import type { Storage } from "./storage";

export interface ManagedEndpointsArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly endpoints: ResolvedEndpoints;
  /** Present where anything is attached to a VPC. */
  readonly network: Network | undefined;
  readonly storage: Storage;
  readonly images: ServerImages;
  readonly alarmTopicArn: pulumi.Input<string>;
  /** Something in `sagemaker` is encrypted: the servers' settings are kept as secrets. */
  readonly secretSettings: boolean;
  /** The only accounts that anything is made in; absent: any. */
  readonly allowedAccountIds?: readonly string[] | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** What others need of the managed endpoints. */
export interface ManagedEndpoints {
  /** Of requests and answers. */
  readonly bucket: PrivateBucket;
  /** By name. */
  readonly asynchronous: ReadonlyMap<string, AsyncEndpoint>;
  readonly alarmedTopics: readonly AlarmedTopic[];
  readonly dashboard: readonly DashboardEndpoint[];
  /** Physical names, by name; a component's under its endpoint's. */
  readonly names: Readonly<Record<string, string>>;
}

/** The managed path: endpoints that SageMaker runs, and what they read and write. */
export function managedEndpoints(
  args: ManagedEndpointsArgs,
  awsProvider: aws.Provider,
): ManagedEndpoints {
  const { scope, config, endpoints } = args;
  const bucket = createBucket(args, awsProvider);
  const topicKey =
    endpoints.asynchronous.length === 0
      ? undefined
      : createTopicKey(
          "endpoint-topics",
          {
            scope,
            description: `Results of managed endpoints of ${scope.project}, stack ${scope.stack}`,
            services: [],
          },
          { provider: awsProvider },
        );
  const shared: Shared = {
    ...args,
    bucket,
    placement: placementOf(args, awsProvider),
    opts: {
      providers: { aws: awsProvider, "aws-native": createNativeProvider(args) },
      // SageMaker looks at the artefact and at the outputs' place as soon as there is a model.
      dependsOn: bucket.ready,
    },
    common: {
      scope,
      alarmTopicArn: args.alarmTopicArn,
      logRetentionDays: config.observability.logRetentionDays,
    },
  };
  const asynchronous = endpoints.asynchronous.map(
    (endpoint) => [endpoint.name, createAsync(shared, endpoint, topicKey!)] as const,
  );
  for (const endpoint of endpoints.variants) createVariant(shared, endpoint);
  for (const endpoint of endpoints.shared) createShared(shared, endpoint);
  return {
    bucket,
    asynchronous: new Map(asynchronous),
    alarmedTopics: asynchronous.flatMap(([, { alarmed }]) => alarmed),
    dashboard: dashboardOf(scope, endpoints),
    names: namesOf(scope, endpoints),
  };
}

interface Shared extends ManagedEndpointsArgs {
  readonly bucket: PrivateBucket;
  readonly placement: EndpointPlacement;
  readonly opts: {
    readonly providers: Record<string, pulumi.ProviderResource>;
    readonly dependsOn: readonly pulumi.Resource[];
  };
  readonly common: {
    readonly scope: Scope;
    readonly alarmTopicArn: pulumi.Input<string>;
    readonly logRetentionDays: number;
  };
}

/** Inference components are in AWS's own schemas only, which this provider is made of. */
function createNativeProvider({
  scope,
  allowedAccountIds,
  tags,
}: ManagedEndpointsArgs): awsNative.Provider {
  const { region, profile } = scope;
  return new awsNative.Provider("aws-native", {
    region: region as awsNative.ProviderArgs["region"],
    ...(profile === undefined ? {} : { profile }),
    ...(allowedAccountIds === undefined ? {} : { allowedAccountIds: [...allowedAccountIds] }),
    defaultTags: { tags: { ...tags } },
  });
}

/** Days after which whatever lies there has no use any more, at least. */
const leftDays = 30;

/** Days in which what was overwritten or deleted can be had back. */
const deletedDays = 1;

/** Requests, answers and captured data of all endpoints, each under a prefix of its own. */
function createBucket(
  { scope, config, endpoints }: ManagedEndpointsArgs,
  awsProvider: aws.Provider,
): PrivateBucket {
  const { kmsKeyArn } = config.sagemaker;
  const captured = [...endpoints.variants, ...endpoints.shared].flatMap(
    ({ name, config: { dataCapture } }) =>
      dataCapture === undefined ? [] : [[prefixOf(scope, name), dataCapture.days] as const],
  );
  const kept = endpoints.asynchronous.map(
    ({ name, config: { days } }) => [prefixOf(scope, name), days] as const,
  );
  return new PrivateBucket(
    "endpoint-data",
    {
      scope,
      noncurrentDays: deletedDays,
      expirePrefixDays: Object.fromEntries([...kept, ...captured]),
      // What an endpoint has left that is not there any more, or captures no more.
      expireDays: Math.max(leftDays, ...[...kept, ...captured].map(([, days]) => days)),
      protect: scope.protectData,
      // What counts of it has been brought to the results' bucket.
      forceDestroy: !scope.protectData,
      ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    },
    { providers: { aws: awsProvider } },
  );
}

/** By its physical name, as the API's function knows it. */
function prefixOf(scope: Scope, endpoint: string): string {
  return `${endpointNameIn(scope, endpoint)}/`;
}

function storeOf({ scope, bucket }: Shared, endpoint: string): EndpointStore {
  const { bucketName, bucketArn } = bucket;
  return { bucketName, bucketArn, prefix: prefixOf(scope, endpoint) };
}

function placementOf(
  { scope, config, network }: ManagedEndpointsArgs,
  awsProvider: aws.Provider,
): EndpointPlacement {
  const { isolateContainers, vpcOnly, kmsKeyArn } = config.sagemaker;
  const base = { isolated: isolateContainers, kmsKeyArn };
  if (!vpcOnly || network === undefined) return base;
  const { vpcId, vpcCidr, privateSubnetIds } = network;
  const group = createEndpointSecurityGroup(
    "endpoints",
    { scope, vpcId, vpcCidr },
    { provider: awsProvider },
  );
  return { ...base, vpc: { subnetIds: privateSubnetIds, securityGroupId: group.id } };
}

function createAsync(
  shared: Shared,
  endpoint: ResolvedAsyncEndpoint,
  topicKey: aws.kms.Key,
): AsyncEndpoint {
  const { scope, common, placement, opts } = shared;
  const { name, config, machines, hosting, concurrency } = endpoint;
  const { scaling } = config;
  return new AsyncEndpoint(
    name,
    {
      ...common,
      model: modelOf(shared, name, hosting, machines, machines.type.instance.devices),
      machines: machineArgs(machines),
      placement,
      store: storeOf(shared, name),
      instances: config.instances,
      concurrency,
      usage: {
        expression: expressionOf(endpoint),
        target: scaling.usageTarget,
        scaleOutCooldownSeconds: scaling.scaleOutCooldownSeconds,
        scaleInCooldownSeconds: scaling.scaleInCooldownSeconds,
      },
      requests: usageRequestsMetric(endpointNameIn(scope, name), scope.region),
      instancesFromZero: scaling.instancesFromZero,
      backlogPerInstance: scaling.backlogPerInstance ?? 2 * concurrency,
      schedules: scaling.schedules,
      backlogAgeMinutes: config.backlogAgeMinutes,
      deployment: config.deployment,
      topicKey,
    },
    opts,
  );
}

function createVariant(shared: Shared, endpoint: ResolvedVariantEndpoint): void {
  const { common, placement, opts } = shared;
  const { name, config, machines, hosting } = endpoint;
  new VariantEndpoint(
    name,
    {
      ...common,
      model: modelOf(shared, name, hosting, machines, machines.type.instance.devices),
      machines: machineArgs(machines),
      placement,
      store: storeOf(shared, name),
      instances: config.instances,
      scaling: config.scaling,
      schedules: config.scaling.schedules,
      dataCapture: config.dataCapture,
      deployment: config.deployment,
    },
    opts,
  );
}

function createShared(shared: Shared, resolved: ResolvedComponentEndpoint): void {
  const { scope, common, placement, opts } = shared;
  const { name, config, machines, components } = resolved;
  const endpoint = new ComponentEndpoint(
    name,
    {
      scope,
      logRetentionDays: common.logRetentionDays,
      machines: machineArgs(machines),
      placement,
      store: storeOf(shared, name),
      instances: config.instances,
      dataCapture: config.dataCapture,
    },
    opts,
  );
  for (const component of components) createComponent(shared, endpoint, machines, component);
}

function createComponent(
  shared: Shared,
  endpoint: ComponentEndpoint,
  machines: ManagedMachines,
  { name, config, hosting, vcpus, memoryMiB }: ResolvedComponent,
): void {
  const { common, placement, opts } = shared;
  new InferenceComponent(
    name,
    {
      ...common,
      endpoint,
      model: modelOf(shared, name, hosting, machines, config.devices),
      resources: { devices: config.devices, vcpus, memoryMiB },
      startupSeconds: machines.startupSeconds,
      placement,
      copies: config.copies,
      scaling: config.scaling,
      schedules: config.scaling.schedules,
    },
    opts,
  );
}

function machineArgs({ type, startupSeconds }: ManagedMachines): EndpointMachines {
  return {
    instanceType: type.name,
    hasLocalStorage: type.hasLocalStorage,
    devices: type.instance.devices,
    startupSeconds,
  };
}

/** Writable in every container. */
const cachePath = "/tmp";

function modelOf(
  { scope, storage, images, secretSettings }: Shared,
  name: string,
  { model, framework, artefactPath, container, safetyChecker, env }: ResolvedHosting,
  { type }: ManagedMachines,
  devices: number,
): HostedModel {
  const { bucketArn, bucketName, prefix, kmsKeyArn } = storage.models;
  const server = images.get(framework);
  return {
    image: container ?? server!.reference,
    // A rule of the config has it that the server's images are in ECR.
    repositoryArn:
      container === undefined
        ? server!.repositoryArn!
        : ecrArn(container.replace(/[:@].*$/, ""), scope)!,
    artefact: { bucketArn, bucketName, path: `${prefix}${artefactPath}`, kmsKeyArn },
    environment: {
      ...Object.fromEntries(
        Object.entries(env).map(([setting, value]) => [
          setting,
          secretSettings ? pulumi.secret(value) : value,
        ]),
      ),
      UNIT: name,
      MODEL: model,
      FRAMEWORK: framework,
      ACCELERATOR: type.accelerator,
      DEVICES: String(devices),
      STACK: scope.stack,
      CACHE_PATH: cachePath,
      SAFETY_CHECKER: safetyChecker ? "on" : "off",
    },
  };
}

function dashboardOf(
  scope: Scope,
  { asynchronous, variants, shared }: ResolvedEndpoints,
): readonly DashboardEndpoint[] {
  const components = shared.flatMap((endpoint) => endpoint.components);
  const tracked =
    (kind: "variant" | "component") => (it: ResolvedVariantEndpoint | ResolvedComponent) => ({
      kind,
      name: it.name,
      called: endpointNameIn(scope, it.name),
      target: it.config.scaling.target,
    });
  return [
    ...asynchronous.map((endpoint) => ({
      kind: "asynchronous" as const,
      name: endpoint.name,
      called: endpointNameIn(scope, endpoint.name),
      usage: { expression: expressionOf(endpoint), target: endpoint.config.scaling.usageTarget },
      requests: usageRequestsMetric(endpointNameIn(scope, endpoint.name), scope.region),
    })),
    ...variants.map(tracked("variant")),
    ...components.map(tracked("component")),
  ];
}

/** Of the usage rate. */
function expressionOf({ config, machines }: ResolvedAsyncEndpoint): string {
  const { inferenceSeconds } = config;
  return usageRateExpression({ inferenceSeconds, accelerators: machines.type.instance.devices });
}

function namesOf(
  scope: Scope,
  { asynchronous, variants, shared }: ResolvedEndpoints,
): Record<string, string> {
  const all = [
    ...asynchronous.map(({ name }) => [name, name]),
    ...variants.map(({ name }) => [name, name]),
    ...shared.flatMap(({ name, components }) => [
      [name, name],
      ...components.map((component) => [`${name}/${component.name}`, component.name]),
    ]),
  ] as [string, string][];
  return Object.fromEntries(all.map(([shown, name]) => [shown, endpointNameIn(scope, name)]));
}
