import { PROBE_LABEL } from "../../contracts/failover";
import { managedPricePerHour } from "../../fleet/managedPrices";
import { pricePerHour, servicePricesPerHour } from "../../fleet/prices";
import { ruleSuite } from "./ruleSuite";
import { type Circumstances, type Subject, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const neuron = "aws.amazon.com/neuron";
const region = "us-west-2";
const machine = pricePerHour("inf2.xlarge", region)!.usd;

const stack = (name: "dev" | "prod" = "dev") =>
  subject("pulumi:pulumi:Stack", {}, { stack: name, name: "diffusion-fleet" });
const pool = (types: unknown) =>
  subject("kubernetes:karpenter.sh/v1:NodePool", {
    spec: {
      template: {
        metadata: { labels: { unit: "inf2" } },
        spec: {
          requirements: [
            { key: "node.kubernetes.io/instance-type", operator: "In", values: types },
          ],
        },
      },
    },
  });
const unit = (replicas: unknown, devices: unknown = "1", labels: Props = {}) =>
  subject("kubernetes:apps/v1:Deployment", {
    metadata: { name: "inf2", namespace: "fleet" },
    spec: {
      replicas,
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { unit: "inf2" },
          containers: [{ resources: { limits: { [neuron]: devices } } }],
        },
      },
    },
  });
const scaled = (maxReplicaCount: unknown) =>
  subject("kubernetes:keda.sh/v1alpha1:ScaledObject", {
    metadata: { namespace: "fleet" },
    spec: { scaleTargetRef: { name: "inf2" }, maxReplicaCount },
  });
const hostedPrice = managedPricePerHour("ml.g5.xlarge", region)!.usd;
const variant = (props: Props = {}) => ({
  variantName: "AllTraffic",
  instanceType: "ml.g5.xlarge",
  initialInstanceCount: 2,
  ...props,
});
const configuration = (variants: unknown, props: Props = {}) =>
  subject("aws:sagemaker/endpointConfiguration:EndpointConfiguration", {
    productionVariants: variants,
    ...props,
  });
const endpoint = subject(
  "aws:sagemaker/endpoint:Endpoint",
  { name: "live" },
  { name: "live", from: { endpointConfigName: configuration([]) } },
);
const scaledTo = (maxCapacity: unknown, resource = "endpoint/live/variant/AllTraffic") =>
  subject("aws:appautoscaling/target:Target", {
    serviceNamespace: "sagemaker",
    resourceId: resource,
    scalableDimension: "sagemaker:variant:DesiredInstanceCount",
    minCapacity: 1,
    maxCapacity,
  });
const scheduledTo = (maxCapacity: unknown) =>
  subject("aws:appautoscaling/scheduledAction:ScheduledAction", {
    serviceNamespace: "sagemaker",
    resourceId: "endpoint/live/variant/AllTraffic",
    scalableDimension: "sagemaker:variant:DesiredInstanceCount",
    scalableTargetAction: { minCapacity: 1, maxCapacity },
  });
const vpc = (props: Props) => subject("awsx:ec2:Vpc", props);
const provider = (region: unknown) => subject("pulumi:providers:aws", { region });

const ceiling = (usd: number) => ({ usdPerHour: { dev: usd } });
/** Just too little. */
const below = (usd: number) => ceiling(usd - 0.0001);
const dollars = (usd: number) => new RegExp(`costs up to ${usd.toFixed(2).replace(".", "\\.")} US`);

/** Resources that cost so much and no less: a ceiling just below refuses them. */
function refusedAbove(usd: number, ...among: readonly Subject[]) {
  return { of: stack(), among, config: below(usd), says: [dollars(usd)] };
}

const nat = servicePricesPerHour.natGateway.usd;

ruleSuite("cost-ceiling", {
  passes: {
    "an empty stack": { of: stack() },
    "replicas that cost what the ceiling is": {
      of: stack(),
      among: [unit(4), pool(["inf2.xlarge"])],
      config: ceiling(4 * machine),
    },
    "a stack that is not listed, below the ceiling of those": {
      of: stack("prod"),
      among: [unit(4), pool(["inf2.xlarge"])],
      config: { ...below(4 * machine), otherStacksUsdPerHour: 4 * machine },
    },
    "machines that may be there without a price": {
      of: stack(),
      among: [subject("aws:eks/nodeGroup:NodeGroup", { instanceTypes: ["x99.large"] })],
      config: { unpricedTypes: ["x99.large"] },
    },
    "a configuration that no endpoint takes": {
      of: stack(),
      among: [configuration([variant()])],
      config: ceiling(0.0001),
    },
    "an endpoint whose models run on no instances": {
      of: stack(),
      among: [endpoint, configuration([{ serverlessConfig: { maxConcurrency: 5 } }])],
      config: ceiling(0.0001),
    },
    "pods without devices, on machines that cost what they cost": {
      of: stack(),
      among: [unit(4, "0"), pool(["inf2.xlarge"])],
      config: ceiling(0.0001),
    },
  },
  fails: {
    replicas: refusedAbove(4 * machine, unit(4), pool(["inf2.xlarge"])),
    "replicas that an autoscaler may add": refusedAbove(
      9 * machine,
      unit(1),
      scaled(9),
      pool(["inf2.xlarge"]),
    ),
    "replicas that KEDA's default adds": refusedAbove(
      100 * machine,
      unit(1),
      scaled(undefined),
      pool(["inf2.xlarge"]),
    ),
    "a capacity probe, which is written with no replica and scaled to one": refusedAbove(
      machine,
      unit(0, "1", { [PROBE_LABEL]: "inf2" }),
      pool(["inf2.xlarge"]),
    ),
    "replicas on the dearest of their machines": refusedAbove(
      4 * pricePerHour("inf2.8xlarge", region)!.usd,
      unit(4),
      pool(["inf2.xlarge", "inf2.8xlarge"]),
    ),
    "an endpoint's instances, as many as its target may ask for": refusedAbove(
      4 * hostedPrice,
      endpoint,
      configuration([variant()]),
      scaledTo(4),
    ),
    "as many as a scheduled action may ask for": refusedAbove(
      8 * hostedPrice,
      endpoint,
      configuration([variant()]),
      scaledTo(4),
      scheduledTo(8),
    ),
    "as many as it begins with, where another's target says more": refusedAbove(
      2 * hostedPrice,
      endpoint,
      configuration([variant()]),
      scaledTo(4, "endpoint/other/variant/AllTraffic"),
    ),
    "as many as SageMaker may bring under inference components": refusedAbove(
      3 * hostedPrice,
      endpoint,
      configuration([
        variant({ managedInstanceScaling: { status: "ENABLED", maxInstanceCount: 3 } }),
      ]),
    ),
    "as many as it begins with, where SageMaker brings none": refusedAbove(
      2 * hostedPrice,
      endpoint,
      configuration([
        variant({ managedInstanceScaling: { status: "DISABLED", maxInstanceCount: 3 } }),
      ]),
    ),
    "the endpoints of the other provider": refusedAbove(
      2 * hostedPrice,
      subject(
        "aws-native:sagemaker:Endpoint",
        { endpointName: "live" },
        { from: { endpointConfigName: subject("aws-native:sagemaker:EndpointConfig") } },
      ),
      subject("aws-native:sagemaker:EndpointConfig", { productionVariants: [variant()] }),
    ),
    "instances at the price that the endpoint's config names": refusedAbove(
      2 * 3.5,
      endpoint,
      configuration([variant()], { tags: { "diffusion-fleet.io/usd-per-hour": "3.5" } }),
    ),
    "an endpoint whose configuration is elsewhere": {
      of: stack(),
      among: [endpoint],
      says: [/no price is known of the instances of live/],
    },
    "instances whose price nobody knows": {
      of: stack(),
      among: [endpoint, configuration([variant({ instanceType: "ml.x99.large" })])],
      says: [/no price is known of ml\.x99\.large/],
    },
    "system nodes": refusedAbove(
      3 * pricePerHour("m7i.large", region)!.usd,
      subject("aws:eks/nodeGroup:NodeGroup", {
        instanceTypes: ["m7i.large"],
        scalingConfig: { desiredSize: 3 },
      }),
    ),
    "a control plane": refusedAbove(
      servicePricesPerHour.controlPlane.usd,
      subject("eks:index:Cluster"),
    ),
    "a load balancer": refusedAbove(
      servicePricesPerHour.loadBalancer.usd,
      subject("kubernetes:gateway.networking.k8s.io/v1:Gateway"),
    ),
    "interface endpoints, per zone, even where the subnets are not known": refusedAbove(
      2 * servicePricesPerHour.interfaceEndpoint.usd,
      subject("aws:ec2/vpcEndpoint:VpcEndpoint", {
        vpcEndpointType: "Interface",
        subnetIds: [unknown, unknown],
      }),
      subject("aws:ec2/vpcEndpoint:VpcEndpoint", { vpcEndpointType: "Gateway" }),
    ),
    "a NAT gateway": refusedAbove(
      nat,
      vpc({ natGateways: { strategy: "Single" }, numberOfAvailabilityZones: 3 }),
    ),
    "NAT gateways in each of some zones": refusedAbove(
      2 * nat,
      vpc({ natGateways: { strategy: "OnePerAz" }, numberOfAvailabilityZones: 2 }),
    ),
    "NAT gateways in zones by name": refusedAbove(
      4 * nat,
      vpc({ natGateways: { strategy: "OnePerAz" }, availabilityZoneNames: ["a", "b", "c", "d"] }),
    ),
    "NAT gateways in three zones, awsx's defaults": refusedAbove(3 * nat, vpc({ cidrBlock: "x" })),
    "NAT gateways that the engine has seen made": refusedAbove(
      nat,
      subject("aws:ec2/natGateway:NatGateway"),
      vpc({}),
    ),
    "a stack that is not listed": {
      of: stack("prod"),
      among: [unit(100), pool(["inf2.xlarge"])],
      says: [/costs up to 75\.82 US dollars an hour, and the ceiling of prod is 50/],
    },
    "replicas whose machines nobody knows": {
      of: stack(),
      among: [unit(1)],
      says: [/the ceiling cannot be checked: no price is known of the machines of it/],
    },
    "a price that the unit's config names, above the list's": {
      of: stack(),
      among: [
        unit(1),
        subject("kubernetes:karpenter.sh/v1:NodePool", {
          ...(pool(["inf2.xlarge"]).props as object),
          metadata: { annotations: { "diffusion-fleet.io/usd-per-hour": "50.5" } },
        }),
      ],
      says: [/costs up to 50\.50 US dollars an hour/],
    },
    "machines whose price nobody knows": {
      of: stack(),
      among: [subject("aws:eks/nodeGroup:NodeGroup", { instanceTypes: ["x99.large"] })],
      says: [/no price is known of x99\.large/],
    },
  },
  unknown: {
    "replicas of which nobody knows how many": {
      of: stack(),
      among: [unit(unknown), pool(["inf2.xlarge"])],
    },
    "an autoscaler's maximum that is not known": {
      of: stack(),
      among: [unit(1), scaled(unknown), pool(["inf2.xlarge"])],
    },
    "machines that are not known": { of: stack(), among: [unit(1), pool([unknown])] },
    "devices that are not known": { of: stack(), among: [unit(1, unknown), pool(["inf2.xlarge"])] },
    "an endpoint's variants that are not known": {
      of: stack(),
      among: [endpoint, configuration(unknown)],
    },
    "a target's maximum that is not known": {
      of: stack(),
      among: [endpoint, configuration([variant()]), scaledTo(unknown)],
    },
    "a region that is not known": { of: stack(), among: [provider(unknown)] },
    "a strategy that is not known": { of: stack(), among: [vpc({ natGateways: unknown })] },
  },
});

const both = { "diffusion-fleet:project": "diffusion-fleet", "diffusion-fleet:stack": "dev" };
const queue = (props: Props, more: Circumstances = {}) =>
  subject("aws:sqs/queue:Queue", props, more);
const withDefaults = (defaultTags: unknown) => ({ provider: { region, defaultTags } });

ruleSuite("required-tags", {
  passes: {
    "a resource by its provider's tags": {
      of: queue({}, withDefaults(JSON.stringify({ tags: both }))),
    },
    "a resource by its provider's tags, as an object": {
      of: queue({}, withDefaults({ tags: both })),
    },
    "an inference component, whose provider has tags as pairs": {
      of: subject("aws-native:sagemaker:InferenceComponent", {
        tags: Object.entries(both).map(([key, value]) => ({ key, value })),
      }),
    },
    "a resource by its own tags": { of: queue({ tags: both }) },
    "a node class, whose machines Karpenter tags": {
      of: subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", { spec: { tags: both } }),
    },
    "the tags that the config wants": {
      of: queue({ tags: { team: "images" } }),
      config: { keys: ["team"] },
    },
  },
  fails: {
    "a resource of a provider of its own": {
      of: queue({ tags: { team: "images" } }),
      says: [/has no tag diffusion-fleet:project, diffusion-fleet:stack/],
    },
    "a resource of a provider that tags nothing": {
      of: queue({}, { provider: { region } }),
      says: [/has no tag diffusion-fleet:project, diffusion-fleet:stack/],
    },
    "a resource of a provider that tags less": {
      of: queue({}, withDefaults({ tags: { "diffusion-fleet:project": "diffusion-fleet" } })),
      says: [/has no tag diffusion-fleet:stack/],
    },
    "an inference component with other tags": {
      of: subject("aws-native:sagemaker:InferenceComponent", {
        tags: [{ key: "team", value: "images" }],
      }),
      says: [/has no tag diffusion-fleet:project, diffusion-fleet:stack/],
    },
    "a tag without a value": {
      of: queue({ tags: { ...both, "diffusion-fleet:stack": "" } }),
      says: [/has no tag diffusion-fleet:stack/],
    },
    "a node class, which the provider cannot tag": {
      of: subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", {}, withDefaults({ tags: both })),
      says: [/has no tag diffusion-fleet:project/],
    },
    "a load balancer that a controller makes": {
      of: subject("kubernetes:gateway.k8s.aws/v1:LoadBalancerConfiguration", {
        spec: { tags: { team: "images" } },
      }),
      says: [/has no tag/],
    },
    "a provider whose settings cannot be read": {
      of: queue({}, withDefaults("{tags}")),
      says: [/not JSON/],
    },
  },
  unknown: {
    "a resource whose tags are not known": { of: queue({ tags: unknown }) },
    "a provider whose tags are not known": { of: queue({}, withDefaults(unknown)) },
    "a node class whose tags are not known": {
      of: subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", { spec: { tags: unknown } }),
    },
    "a tag whose value is not known: it is there": {
      of: queue({ tags: { ...both, "diffusion-fleet:stack": unknown } }),
      comesOut: "passes",
    },
  },
});
