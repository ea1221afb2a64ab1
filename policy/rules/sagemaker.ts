import { managedInstanceType } from "../../fleet/managedInstances";
import {
  boundsOf,
  componentType,
  configurationOf,
  configurationTypes,
  endpointTypes,
  hostedContainers,
  hostedTypes,
  hostsComponents,
  instanceVariants,
  isAsynchronous,
  isUnder,
  modelTypes,
  mostInstances,
  scaledBy,
  scales,
  scalingOf,
  scalingPolicyType,
  scalingTargetType,
  scheduledActionType,
} from "../endpoints";
import { listed } from "../listed";
import { isProduction, production } from "../production";
import { isSet, ofType, type Resource, referring, type Stack } from "../resource";
import { type Area, type Report, resourceRule, stackRule } from "../rule";
import { isPlaceholder, UnknownValue } from "../unknown";

const hostedModelIsolated = resourceRule({
  name: "hosted-model-isolated",
  level: "mandatory",
  protectsFrom: "A container that sends prompts and pictures to anywhere on the internet.",
  remedy:
    "Set enableNetworkIsolation to true, or vpcConfig; where models come by inference components, in the endpoint's configuration too.",
  types: [...modelTypes, ...configurationTypes],
  check: (resource, report) => {
    const { type, props } = resource;
    if ((configurationTypes as readonly string[]).includes(type) && !hostsComponents(resource))
      return;
    if (isSet(props, "vpcConfig") || props.enableNetworkIsolation === true) return;
    report("enableNetworkIsolation is not true, and vpcConfig is not set");
  },
});

/** A private registry of ECR, or, in a plan, a repository of this program. */
const ecr =
  /^(\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com|<output of [^<>]+\.repositoryUrl>)/;

const hostedModelImage = resourceRule({
  name: "hosted-model-image-in-ecr",
  level: "mandatory",
  protectsFrom:
    "Instances that cannot start, or start something else, because of somebody else's registry.",
  remedy: "Push the image to ECR and name it there.",
  types: hostedTypes,
  check: (resource, report) => {
    for (const { image } of hostedContainers(resource)) {
      if (image === undefined || image === null) continue;
      const text = String(image);
      if (ecr.test(text)) continue;
      if (isPlaceholder(/^<[^<>]*>/.exec(text)?.[0]))
        throw new UnknownValue("the image's registry");
      report(`runs ${text}, which is not in ECR`);
    }
  },
});

const ownKey = resourceRule({
  name: "endpoint-own-key-in-production",
  level: "advisory",
  protectsFrom:
    "Models, prompts and pictures on volumes and in buckets under a key that is not yours to revoke.",
  remedy: "Set diffusion-fleet:sagemaker.kmsKeyArn.",
  types: configurationTypes,
  config: production,
  check: (resource, report, config) => {
    if (!isProduction(resource, config)) return;
    const { props } = resource;
    if (!isSet(props, "kmsKeyArn") && !isSet(props, "kmsKeyId"))
      for (const { instanceType } of instanceVariants(resource))
        if (managedInstanceType(String(instanceType))?.hasLocalStorage === false)
          report(`the volumes of ${instanceType} are under AWS's own key`);
    if (isAsynchronous(resource) && !isSet(props.asyncInferenceConfig.outputConfig, "kmsKeyId"))
      report("asyncInferenceConfig.outputConfig.kmsKeyId is not set");
    if (isSet(props, "dataCaptureConfig") && !isSet(props.dataCaptureConfig, "kmsKeyId"))
      report("dataCaptureConfig.kmsKeyId is not set");
  },
});

/** Where an endpoint writes what was asked and answered, `s3://BUCKET/KEY`, with the property. */
function writtenTo({ props }: Resource): readonly (readonly [property: string, uri: string])[] {
  const { s3OutputPath, s3FailurePath } = props.asyncInferenceConfig?.outputConfig ?? {};
  const captured = props.dataCaptureConfig?.destinationS3Uri;
  return [
    ...listed(s3OutputPath).map((uri) => ["asyncInferenceConfig", String(uri)] as const),
    ...listed(s3FailurePath).map((uri) => ["asyncInferenceConfig", String(uri)] as const),
    ...listed(captured).map((uri) => ["dataCaptureConfig", String(uri)] as const),
  ];
}

const bucketTypes = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"] as const;

/**
 * The bucket of this stack that is written to.
 *
 * @throws UnknownValue where the bucket's name is that of something else that is not known
 */
function bucketOf(
  { sources }: Resource,
  [property, uri]: readonly [string, string],
  stack: Stack,
): Resource | undefined {
  const name = uri.split("/")[2] ?? "";
  const buckets = ofType(stack, ...bucketTypes);
  if (!isPlaceholder(name))
    return buckets.find(({ props }) => isSet(props, "bucket") && props.bucket === name);
  const bucket = buckets.find(({ urn }) => sources.get(property)?.includes(urn));
  if (bucket === undefined) throw new UnknownValue(`the bucket of ${property}`);
  return bucket;
}

const ownBucket = stackRule({
  name: "endpoint-data-in-own-bucket",
  level: "mandatory",
  protectsFrom:
    "Prompts and pictures that are written to a bucket whose rules nobody here has looked at.",
  remedy:
    "Write to a bucket of this program: it is private, encrypted and closed to plain HTTP, which other rules see to.",
  types: configurationTypes,
  check: (configuration, stack, report) => {
    for (const written of writtenTo(configuration))
      if (bucketOf(configuration, written, stack) === undefined)
        report(`${written[0]} writes to ${written[1]}`);
  },
});

const dataExpires = stackRule({
  name: "endpoint-data-expires",
  level: "mandatory",
  protectsFrom: "Prompts and pictures that are kept, and paid for, for ever.",
  remedy: "Let a rule of the bucket's lifecycle expire what lies under the prefix.",
  types: configurationTypes,
  check: (configuration, stack, report) => {
    for (const written of writtenTo(configuration)) {
      const bucket = bucketOf(configuration, written, stack);
      if (bucket === undefined) continue;
      const key = `${written[1].split("/").slice(3).join("/")}/`;
      const rules = referring(
        stack,
        bucket,
        "bucket",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
      ).flatMap(({ props }) => listed(props.rules));
      if (!rules.some((rule) => expires(rule, key)))
        report(`nothing expires under ${key} of the bucket ${bucket.name}`);
    }
  },
});

/** Whether a rule of a lifecycle ends all objects under a key; one that goes by tags or sizes does not. */
// biome-ignore lint/suspicious/noExplicitAny: a resource's own properties
function expires({ status, filter, prefix, expiration }: any, key: string): boolean {
  const { prefix: filtered, ...narrower } = filter ?? {};
  const days = expiration?.days;
  return (
    status === "Enabled" &&
    days > 0 &&
    Object.keys(narrower).length === 0 &&
    key.startsWith(filtered ?? prefix ?? "")
  );
}

const endpointUpdate = stackRule({
  name: "endpoint-update-guarded",
  level: "mandatory",
  protectsFrom: "A version that does not work and gets all requests at once, with no way back.",
  remedy:
    "Set deploymentConfig: blue/green by CANARY or LINEAR, and alarms in autoRollbackConfiguration that take the new fleet back.",
  types: endpointTypes,
  check: (endpoint, stack, report) => {
    const configuration = configurationOf(endpoint, stack);
    // There is no model in it that could be new; its components have updates of their own.
    if (configuration !== undefined && hostsComponents(configuration)) return;
    const { blueGreenUpdatePolicy, autoRollbackConfiguration } =
      endpoint.props.deploymentConfig ?? {};
    const traffic = blueGreenUpdatePolicy?.trafficRoutingConfiguration?.type ?? "not set";
    if (!["CANARY", "LINEAR"].includes(traffic)) report(`its blue/green update is ${traffic}`);
    takenBack(autoRollbackConfiguration, report);
  },
});

const componentUpdate = resourceRule({
  name: "component-update-guarded",
  level: "mandatory",
  protectsFrom: "A version that does not work and takes the place of all copies, with no way back.",
  remedy:
    "Set deploymentConfig: a rollingUpdatePolicy, and alarms in autoRollbackConfiguration that take it back.",
  types: [componentType],
  check: ({ props }, report) => {
    const { rollingUpdatePolicy, autoRollbackConfiguration } = props.deploymentConfig ?? {};
    if (rollingUpdatePolicy === undefined || rollingUpdatePolicy === null)
      report("deploymentConfig.rollingUpdatePolicy is not set");
    takenBack(autoRollbackConfiguration, report);
  },
});

/** Alarms by names that are not known are alarms. */
function takenBack(rollback: { readonly alarms?: object } | null | undefined, report: Report) {
  if (Object.keys(rollback?.alarms ?? []).length === 0) report("no alarm takes an update back");
}

const scalingBounded = stackRule({
  name: "endpoint-scaling-bounded",
  level: "mandatory",
  protectsFrom:
    "An endpoint that stays as small as it is while requests wait, or that grows without an end.",
  remedy:
    "Register a scaling target with minCapacity and maxCapacity; under inference components, set managedInstanceScaling.",
  types: [...endpointTypes, componentType, scalingTargetType],
  check: (resource, stack, report) => {
    if (resource.type === scalingTargetType) {
      const { serviceNamespace, minCapacity, maxCapacity } = resource.props;
      if (serviceNamespace === "sagemaker" && !(maxCapacity >= minCapacity))
        report(
          `maxCapacity is ${maxCapacity ?? "not set"}, and minCapacity ${minCapacity ?? "not set"}`,
        );
      return;
    }
    if (resource.type === componentType) {
      const targets = scalingOf(stack, scalingTargetType);
      if (!targets.some((target) => scales(target, resource)))
        report("its copies have no scaling target");
      return;
    }
    const configuration = configurationOf(resource, stack);
    if (configuration === undefined) return;
    for (const variant of instanceVariants(configuration))
      if (mostInstances(resource, variant, stack) === undefined)
        report(`the instances of its variant ${variant.variantName} have no scaling target`);
  },
});

/** What Application Auto Scaling keeps for a number of SageMaker's. */
const scalingTypes = [scalingTargetType, scalingPolicyType, scheduledActionType] as const;

const scalingTargetExists = stackRule({
  name: "managed-scaling-target-exists",
  level: "mandatory",
  protectsFrom: "A scaling target without anything to scale: the endpoint stays as small as it is.",
  remedy:
    "Name an endpoint's variant, or an inference component, of this stack in resourceId: endpoint/NAME/variant/VARIANT, inference-component/NAME.",
  types: scalingTypes,
  check: (scaling, stack, report) => {
    const { props } = scaling;
    if (props.serviceNamespace !== "sagemaker") return;
    if (scaling.type !== scalingTargetType) {
      const targets = scalingOf(stack, scalingTargetType);
      if (!targets.some((target) => isUnder(scaling, target)))
        report("there is no scaling target of its resourceId");
      return;
    }
    if (scaledBy(scaling, stack) === undefined)
      report(`scales ${props.resourceId ?? "nothing"}, which is not in this stack`);
  },
});

const zeroSupported = stackRule({
  name: "zero-minimum-supported",
  level: "mandatory",
  protectsFrom:
    "A minimum of zero that SageMaker refuses, in the middle of `pulumi up`, or a realtime endpoint that is gone when it is asked.",
  remedy:
    "Keep one instance: only asynchronous endpoints, and the instances and copies of inference components, go to zero.",
  types: [scalingTargetType, scheduledActionType, ...configurationTypes],
  check: (resource, stack, report) => {
    if ((configurationTypes as readonly string[]).includes(resource.type)) {
      for (const variant of instanceVariants(resource))
        if (variant.managedInstanceScaling?.minInstanceCount === 0 && isSet(variant, "modelName"))
          report(`its variant ${variant.variantName} has a model, and a minInstanceCount of 0`);
      return;
    }
    const { serviceNamespace, minCapacity, scalableTargetAction } = resource.props;
    if (serviceNamespace !== "sagemaker") return;
    if (minCapacity !== 0 && scalableTargetAction?.minCapacity !== 0) return;
    const owner = scaledBy(resource, stack);
    if (owner === undefined || owner.type === componentType) return;
    const configuration = configurationOf(owner, stack);
    if (configuration !== undefined && !isAsynchronous(configuration))
      report(`minCapacity is 0, and ${owner.name} is a realtime endpoint`);
  },
});

/** What tells of requests that nobody is there for, and the dimension that it has. */
const wakingMetrics = {
  endpoint: { metric: "HasBacklogWithoutCapacity", dimension: "EndpointName" },
  "inference-component": {
    metric: "NoCapacityInvocationFailures",
    dimension: "InferenceComponentName",
  },
} as const;

const comesBack = stackRule({
  name: "zero-capacity-comes-back",
  level: "mandatory",
  protectsFrom:
    "An endpoint that goes to zero and stays there: policies that track a target have nothing to go by where nothing runs.",
  remedy:
    "Add a step scaling policy that adds capacity, and an alarm that acts by it: on HasBacklogWithoutCapacity of an asynchronous endpoint, on NoCapacityInvocationFailures of an inference component.",
  types: [scalingTargetType],
  check: (target, stack, report) => {
    const { serviceNamespace, resourceId } = target.props;
    if (serviceNamespace !== "sagemaker") return;
    if (boundsOf(target, stack).every(({ minCapacity }) => minCapacity !== 0)) return;
    const [kind, name] = String(resourceId).split("/");
    const { metric, dimension } = wakingMetrics[kind === "inference-component" ? kind : "endpoint"];
    const leads = scalingOf(stack, scalingPolicyType)
      .filter((policy) => isUnder(policy, target) && addsCapacity(policy))
      .flatMap((policy) =>
        referring(stack, policy, "alarmActions", "aws:cloudwatch/metricAlarm:MetricAlarm"),
      )
      .some(({ props }) => props.metricName === metric && props.dimensions?.[dimension] === name);
    if (!leads) report(`may be at 0, and no alarm on ${metric} brings it back`);
  },
});

function addsCapacity({ props }: Resource): boolean {
  const { policyType = "StepScaling", stepScalingPolicyConfiguration } = props;
  return (
    policyType === "StepScaling" &&
    listed(stepScalingPolicyConfiguration?.stepAdjustments).some(
      ({ scalingAdjustment }) => scalingAdjustment > 0,
    )
  );
}

const routing = resourceRule({
  name: "endpoint-routes-least-outstanding",
  level: "advisory",
  protectsFrom:
    "A request that waits behind another's picture while an instance beside it has nothing to do: by default any of them is chosen.",
  remedy: "Set the routing strategy to LEAST_OUTSTANDING_REQUESTS.",
  types: configurationTypes,
  check: (configuration, report) => {
    if (isAsynchronous(configuration)) return;
    for (const { variantName, routingConfigs, routingConfig } of instanceVariants(configuration)) {
      const [own] = listed(routingConfigs ?? routingConfig);
      const strategy = own?.routingStrategy ?? "RANDOM by default";
      if (strategy !== "LEAST_OUTSTANDING_REQUESTS")
        report(`the routing strategy of its variant ${variantName} is ${strategy}`);
    }
  },
});

const asyncTells = resourceRule({
  name: "async-endpoint-tells",
  level: "mandatory",
  protectsFrom: "An answer that nobody fetches, and a request that fails without a word.",
  remedy:
    "Set successTopic and errorTopic in asyncInferenceConfig.outputConfig.notificationConfig.",
  types: configurationTypes,
  check: (configuration, report) => {
    if (!isAsynchronous(configuration)) return;
    const told = configuration.props.asyncInferenceConfig.outputConfig?.notificationConfig;
    for (const topic of ["successTopic", "errorTopic"])
      if (!isSet(told, topic)) report(`notificationConfig.${topic} is not set`);
  },
});

export const sagemaker: Area = {
  title: "Managed endpoints",
  rules: [
    hostedModelIsolated,
    hostedModelImage,
    ownKey,
    ownBucket,
    dataExpires,
    endpointUpdate,
    componentUpdate,
    scalingBounded,
    scalingTargetExists,
    zeroSupported,
    comesBack,
    routing,
    asyncTells,
  ],
};
