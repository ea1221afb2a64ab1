import { z } from "zod";
import { PRICE_ANNOTATION } from "../../contracts/labels";
import { PROJECT_TAG, STACK_TAG } from "../../contracts/tags";
import {
  type FleetCost,
  fleetCostPerHour,
  type PaidEndpoint,
  type PaidFleet,
  type PaidUnit,
} from "../../fleet/cost";
import { pricePerHour } from "../../fleet/prices";
import { replicasPerMachine } from "../../fleet/scaling";
import { instanceTypesOf, podDevices } from "../devices";
import {
  componentType,
  configurationOf,
  configurationTypes,
  endpointTypes,
  instanceVariants,
  modelTypes,
  mostInstances,
} from "../endpoints";
import { listed } from "../listed";
import { mostReplicas, nodePoolsFor, nodePoolType, scalable } from "../replicas";
import { isSet, ofType, type Resource, type Stack } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

const costCeiling = stackRule({
  name: "cost-ceiling",
  level: "mandatory",
  protectsFrom:
    "A bill that nobody agreed to: what the fleet costs an hour when every unit is scaled out, at on-demand prices.",
  remedy:
    "Lower the units' replicas.max and the endpoints' instances.max, choose a cheaper instance type, or have the ceiling in policy/config.json raised by who pays.",
  types: ["pulumi:pulumi:Stack"],
  config: {
    usdPerHour: z
      .record(z.string(), z.number().positive())
      .default({})
      .describe("The ceiling by stack, in US dollars an hour."),
    otherStacksUsdPerHour: z
      .number()
      .positive()
      .default(50)
      .describe("The ceiling of stacks that are not listed."),
    unpricedTypes: z
      .array(z.string())
      .default([])
      .describe(
        "Instance types that may be there although the price lists in fleet/ have none of them.",
      ),
  },
  check: (_, stack, report, { usdPerHour, otherStacksUsdPerHour, unpricedTypes }) => {
    const ceiling = usdPerHour[stack.name] ?? otherStacksUsdPerHour;
    const { usd, unpriced } = largestCost(stack);
    const unknown = unpriced.filter((type) => !unpricedTypes.includes(type));
    if (!(usd.max <= ceiling))
      report(
        `costs up to ${usd.max.toFixed(2)} US dollars an hour, and the ceiling of ${stack.name} is ${ceiling}`,
      );
    if (unknown.length > 0)
      report(
        `the ceiling cannot be checked: no price is known of ${unknown.join(", ")} (add it to fleet/prices.ts or fleet/managedPrices.ts, or the type to unpricedTypes)`,
      );
  },
});

/** What a stack costs an hour, from the resources that are paid by the hour. */
function largestCost(stack: Stack): Pick<FleetCost, "usd" | "unpriced"> {
  const region = regionOf(stack);
  const accelerated = ofType(stack, ...scalable).filter(
    (workload) => Object.keys(podDevices(workload)).length > 0,
  );
  const units = accelerated.map((workload) => paidUnit(workload, stack, region));
  const endpoints = ofType(stack, ...endpointTypes);
  const instances = endpoints.map((endpoint) => paidEndpoints(endpoint, stack));
  const { usd, unpriced } = fleetCostPerHour({
    region,
    endpoints: instances.flatMap((paid) => paid ?? []),
    units: units.filter((unit) => unit !== undefined),
    ...systemNodes(stack),
    controlPlanes: ofType(stack, "eks:index:Cluster").length,
    natGateways: natGateways(stack),
    loadBalancers: ofType(stack, "kubernetes:gateway.networking.k8s.io/v1:Gateway").length,
    interfaceEndpoints: ofType(stack, "aws:ec2/vpcEndpoint:VpcEndpoint")
      .filter(({ props }) => props.vpcEndpointType === "Interface")
      .reduce((sum, { props }) => sum + Object.keys(props.subnetIds ?? []).length, 0),
  });
  const unplaced = accelerated.filter((_, index) => units[index] === undefined);
  const unbounded = endpoints.filter((_, index) => instances[index] === undefined);
  return {
    usd,
    unpriced: [
      ...unpriced,
      ...unplaced.map(({ name }) => `the machines of ${name}`),
      ...unbounded.map(({ name }) => `the instances of ${name}`),
    ],
  };
}

function regionOf(stack: Stack): string {
  const [provider] = ofType(stack, "pulumi:providers:aws").filter(({ props }) =>
    isSet(props, "region"),
  );
  return provider?.props.region ?? "us-west-2";
}

/** A workload that holds devices, on the dearest of the machines that it may land on. */
function paidUnit(workload: Resource, stack: Stack, region: string): PaidUnit | undefined {
  const [devicesPerReplica] = Object.values(podDevices(workload));
  if (devicesPerReplica === undefined || !Number.isInteger(devicesPerReplica)) return undefined;
  const machines = nodePoolsFor(workload, stack).flatMap((pool) =>
    instanceTypesOf(pool)
      .filter(({ devices }) => devices >= devicesPerReplica)
      .map((type) => ({ type, configured: configuredPrice(pool) })),
  );
  const perReplica = ({ type, configured }: (typeof machines)[number]) =>
    (configured ?? pricePerHour(type.name, region)?.usd ?? Number.POSITIVE_INFINITY) /
    replicasPerMachine(type.devices, devicesPerReplica);
  const [dearest] = machines.sort((a, b) => perReplica(b) - perReplica(a));
  const max = mostReplicas(workload, stack);
  if (dearest === undefined || !(max >= 0)) return undefined;
  return {
    name: workload.name,
    instanceType: dearest.type.name,
    devicesPerReplica,
    replicas: { min: 0, max },
    ...(dearest.configured === undefined ? {} : { pricePerHour: dearest.configured }),
  };
}

/** What the unit's or endpoint's config says that a machine costs. */
function configuredPrice({ type, props }: Resource): number | undefined {
  const notes = type === nodePoolType ? props.metadata?.annotations : tagsOf(props.tags);
  const price = Number(notes?.[PRICE_ANNOTATION] ?? Number.NaN);
  return price >= 0 ? price : undefined;
}

/** The instances of an endpoint's variants, as many as there can be; undefined: nobody knows. */
function paidEndpoints(endpoint: Resource, stack: Stack): readonly PaidEndpoint[] | undefined {
  const configuration = configurationOf(endpoint, stack);
  if (configuration === undefined) return undefined;
  const configured = configuredPrice(configuration);
  const paid = instanceVariants(configuration).map((variant) => {
    const { instanceType, initialInstanceCount = 1 } = variant;
    const max = mostInstances(endpoint, variant, stack) ?? initialInstanceCount;
    if (typeof instanceType !== "string" || !(max >= 0)) return undefined;
    return {
      name: endpoint.name,
      instanceType,
      instances: { min: 0, max },
      ...(configured === undefined ? {} : { pricePerHour: configured }),
    };
  });
  return paid.every((variant) => variant !== undefined) ? paid : undefined;
}

/** As many as there are in quiet times: one more comes for the minutes of an upgrade only. */
function systemNodes(stack: Stack): Pick<PaidFleet, "systemNodes"> {
  const [group] = ofType(stack, "aws:eks/nodeGroup:NodeGroup");
  const [instanceType] = listed<string>(group?.props.instanceTypes);
  if (group === undefined || instanceType === undefined) return {};
  const desiredSize = group.props.scalingConfig?.desiredSize ?? 1;
  return { systemNodes: { instanceType, min: desiredSize, max: desiredSize } };
}

/** In the engine the network's component has made them; in a plan it says how many it will. */
function natGateways(stack: Stack): number {
  const made = ofType(stack, "aws:ec2/natGateway:NatGateway").length;
  const announced = ofType(stack, "awsx:ec2:Vpc")
    .filter(({ props }) => Object.keys(props).length > 0)
    .map(({ props }) => {
      const strategy = props.natGateways?.strategy ?? "OnePerAz";
      if (strategy !== "OnePerAz") return strategy === "Single" ? 1 : 0;
      const zones = Object.keys(props.availabilityZoneNames ?? []).length;
      return zones > 0 ? zones : (props.numberOfAvailabilityZones ?? 3);
    });
  return Math.max(made, ...announced);
}

/** AWS resources that are paid for, or that somebody will ask one day whose they are. */
const taggable = [
  ...modelTypes,
  ...configurationTypes,
  ...endpointTypes,
  componentType,
  "aws:apigateway/apiKey:ApiKey",
  "aws:apigateway/restApi:RestApi",
  "aws:apigateway/stage:Stage",
  "aws:apigateway/usagePlan:UsagePlan",
  "aws:appautoscaling/target:Target",
  "aws:cloudwatch/eventRule:EventRule",
  "aws:cloudwatch/logGroup:LogGroup",
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:codebuild/project:Project",
  "aws:dynamodb/table:Table",
  "aws:ebs/volume:Volume",
  "aws:ec2/eip:Eip",
  "aws:ec2/instance:Instance",
  "aws:ec2/launchTemplate:LaunchTemplate",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:ecr/repository:Repository",
  "aws:efs/fileSystem:FileSystem",
  "aws:eks/addon:Addon",
  "aws:eks/cluster:Cluster",
  "aws:eks/nodeGroup:NodeGroup",
  "aws:iam/role:Role",
  "aws:kms/key:Key",
  "aws:lambda/eventSourceMapping:EventSourceMapping",
  "aws:lambda/function:Function",
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:s3/bucket:Bucket",
  "aws:sns/topic:Topic",
  "aws:sqs/queue:Queue",
  "aws:ssm/document:Document",
  "aws:ssm/parameter:Parameter",
  "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
  "kubernetes:gateway.k8s.aws/v1:LoadBalancerConfiguration",
] as const;

const requiredTags = resourceRule({
  name: "required-tags",
  level: "mandatory",
  protectsFrom:
    "A line of the bill that nobody can assign, and a resource that nobody dares delete.",
  remedy:
    "Make the resource with the environment's AWS provider, which tags all it makes; what others make for it takes environmentTags.",
  types: taggable,
  config: {
    keys: z
      .array(z.string())
      .default([PROJECT_TAG, STACK_TAG])
      .describe("Tags that must be there."),
  },
  check: ({ type, props, provider }, report, { keys }) => {
    const tags = [
      type.startsWith("kubernetes:") ? props.spec?.tags : defaultTags(provider),
      tagsOf(props.tags),
    ];
    const missing = keys.filter((key) => !tags.some((some) => isSet(some, key)));
    if (missing.length > 0) report(`has no tag ${missing.join(", ")}`);
  },
});

/** The provider aws-native has tags as pairs. */
function tagsOf(tags: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!Array.isArray(tags)) return (tags ?? undefined) as Record<string, unknown> | undefined;
  return Object.fromEntries(listed(tags).map(({ key, value }) => [key, value]));
}

/** A provider's settings are texts, objects among them as JSON. */
function defaultTags(provider: Resource["provider"]): Readonly<Record<string, string>> {
  if (provider === undefined || !isSet(provider, "defaultTags")) return {};
  const settings = provider.defaultTags;
  return (typeof settings === "string" ? JSON.parse(settings) : settings).tags ?? {};
}

export const cost: Area = { title: "Cost", rules: [costCeiling, requiredTags] };
