import { ruleSuite } from "./ruleSuite";
import { type Circumstances, type Subject, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const prod = { stack: "prod" } as const;

const model = (props: Props) => subject("aws:sagemaker/model:Model", props);
const inEcr = "123456789012.dkr.ecr.us-west-2.amazonaws.com/server:0.1.0";

const variant = (props: Props = {}) => ({
  variantName: "AllTraffic",
  modelName: "sdxl",
  instanceType: "ml.inf2.48xlarge",
  initialInstanceCount: 1,
  ...props,
});
/** Where inference components come. */
const shared = (props: Props = {}) => {
  const { modelName: _, ...rest } = variant(props);
  return rest;
};
const configuration = (props: Props = {}, more: Circumstances = {}) =>
  subject("aws:sagemaker/endpointConfiguration:EndpointConfiguration", props, {
    name: "configuration",
    ...more,
  });
const nativeConfiguration = (props: Props = {}) =>
  subject("aws-native:sagemaker:EndpointConfig", props, { name: "configuration" });
const asynchronous = (outputConfig: unknown = {}) => ({ asyncInferenceConfig: { outputConfig } });

const endpoint = (props: Props = {}, of: Subject = configuration()) =>
  subject(
    "aws:sagemaker/endpoint:Endpoint",
    { name: "live", ...props },
    { name: "live", from: { endpointConfigName: of } },
  );
const nativeEndpoint = (props: Props = {}) =>
  subject(
    "aws-native:sagemaker:Endpoint",
    { endpointName: "live", ...props },
    { name: "live", from: { endpointConfigName: nativeConfiguration() } },
  );
const component = (props: Props = {}) =>
  subject(
    "aws-native:sagemaker:InferenceComponent",
    { inferenceComponentName: "drafts", ...props },
    { name: "drafts" },
  );

const ofInstances = {
  serviceNamespace: "sagemaker",
  resourceId: "endpoint/live/variant/AllTraffic",
  scalableDimension: "sagemaker:variant:DesiredInstanceCount",
};
const ofCopies = {
  serviceNamespace: "sagemaker",
  resourceId: "inference-component/drafts",
  scalableDimension: "sagemaker:inference-component:DesiredCopyCount",
};
const target = (props: Props = {}, from: Circumstances["from"] = {}) =>
  subject(
    "aws:appautoscaling/target:Target",
    { ...ofInstances, minCapacity: 1, maxCapacity: 4, ...props },
    { name: "target", from },
  );
const scheduled = (scalableTargetAction: unknown, props: Props = ofInstances) =>
  subject(
    "aws:appautoscaling/scheduledAction:ScheduledAction",
    { ...props, scalableTargetAction },
    { name: "scheduled" },
  );
const policy = (props: Props = {}, from: Circumstances["from"] = {}) =>
  subject(
    "aws:appautoscaling/policy:Policy",
    {
      ...ofInstances,
      policyType: "StepScaling",
      stepScalingPolicyConfiguration: { stepAdjustments: [{ scalingAdjustment: 1 }] },
      ...props,
    },
    { name: "policy", from },
  );

ruleSuite("hosted-model-isolated", {
  passes: {
    "a model without a network": { of: model({ enableNetworkIsolation: true }) },
    "a model in a VPC": {
      of: model({ enableNetworkIsolation: false, vpcConfig: { subnets: [unknown] } }),
    },
    "an endpoint's configuration whose model says so itself": {
      of: configuration({ productionVariants: [variant()] }),
    },
    "an endpoint without a network, where components come": {
      of: nativeConfiguration({ productionVariants: [shared()], enableNetworkIsolation: true }),
    },
  },
  fails: {
    "a model with SageMaker's network": {
      of: model({ enableNetworkIsolation: false }),
      says: [/enableNetworkIsolation is not true, and vpcConfig is not set/],
    },
    "a model that says nothing of it": { of: model({}), says: [/enableNetworkIsolation/] },
    "an endpoint with SageMaker's network, where components come": {
      of: nativeConfiguration({ productionVariants: [shared()] }),
      says: [/enableNetworkIsolation/],
    },
  },
  unknown: {
    "an isolation that is not known": { of: model({ enableNetworkIsolation: unknown }) },
    "variants that are not known": { of: nativeConfiguration({ productionVariants: unknown }) },
    "a VPC that is not known: it is there": {
      of: model({ vpcConfig: unknown }),
      comesOut: "passes",
    },
  },
});

ruleSuite("hosted-model-image-in-ecr", {
  passes: {
    "an image in ECR": { of: model({ primaryContainer: { image: inEcr } }) },
    "an image in ECR in China": {
      of: model({
        primaryContainer: { image: "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/server:1.0" },
      }),
    },
    "an image in a repository of ours whose address is not known": {
      of: model({ primaryContainer: { image: "<output of server.repositoryUrl>:0.1.0" } }),
    },
    "a model package, which has its image in itself": {
      of: model({ primaryContainer: { modelPackageName: "arn:aws:sagemaker:…" } }),
    },
    "an inference component of a model": { of: component({ specification: { modelName: "it" } }) },
  },
  fails: {
    "an image of somebody else's": {
      of: model({ primaryContainer: { image: "docker.io/team/server:0.1.0" } }),
      says: [/docker\.io\/team\/server:0\.1\.0, which is not in ECR/],
    },
    "an image whose name only has ECR's in it": {
      of: model({ containers: [{ image: `example.com/${inEcr}` }] }),
      says: [/not in ECR/],
    },
    "an inference component's own image": {
      of: component({ specification: { container: { image: "team/server:0.1.0" } } }),
      says: [/not in ECR/],
    },
  },
  unknown: {
    "an image that is not known": { of: model({ primaryContainer: { image: unknown } }) },
    "a registry that is not known": {
      of: model({ primaryContainer: { image: "<output of other.url>/server:0.1.0" } }),
    },
  },
});

const captured = { dataCaptureConfig: { destinationS3Uri: "s3://endpoints/live/captured" } };

ruleSuite("endpoint-own-key-in-production", {
  passes: {
    "volumes under a key of ours": {
      of: configuration({ kmsKeyArn: "arn", productionVariants: [variant()] }, prod),
    },
    "the other provider's": {
      of: {
        ...nativeConfiguration({ kmsKeyId: "arn", productionVariants: [variant()] }),
        urn: configuration({}, prod).urn,
      },
    },
    "instances with disks of their own, which take no key": {
      of: configuration({ productionVariants: [variant({ instanceType: "ml.g5.xlarge" })] }, prod),
    },
    "answers under a key of ours": {
      of: configuration(asynchronous({ kmsKeyId: "arn" }), prod),
    },
    "a stack that is not production": { of: configuration({ productionVariants: [variant()] }) },
  },
  fails: {
    "volumes under AWS's": {
      of: configuration({ productionVariants: [variant()] }, prod),
      says: [/the volumes of ml\.inf2\.48xlarge/],
    },
    "answers and captured data under AWS's": {
      of: configuration({ ...asynchronous(), ...captured }, prod),
      says: [/outputConfig\.kmsKeyId is not set/, /dataCaptureConfig\.kmsKeyId is not set/],
    },
    "a stack that the config calls production": {
      of: configuration({ productionVariants: [variant()] }),
      config: { otherStacks: [] },
      says: [/the volumes of/],
    },
  },
  unknown: {
    "variants that are not known": { of: configuration({ productionVariants: unknown }, prod) },
    "where answers go, that is not known": { of: configuration(asynchronous(unknown), prod) },
    "a key that is not known: it is there": {
      of: configuration({ kmsKeyArn: unknown, productionVariants: [variant()] }, prod),
      comesOut: "passes",
    },
  },
});

const bucket = (props: Props = {}) => subject("aws:s3/bucket:Bucket", props, { name: "endpoints" });
const writing = (to: string) =>
  configuration(asynchronous({ s3OutputPath: `s3://${to}` }), {
    from: { asyncInferenceConfig: bucket() },
  });
const capturing = (to: unknown) => configuration({ dataCaptureConfig: { destinationS3Uri: to } });

ruleSuite("endpoint-data-in-own-bucket", {
  passes: {
    "answers to a bucket of ours": {
      of: writing("<output of endpoints.bucket>/live/output"),
      among: [bucket()],
    },
    "captured data to a bucket of ours by its name": {
      of: capturing("s3://ours/live/captured"),
      among: [bucket({ bucket: "ours" })],
    },
    "an endpoint that keeps nothing": { of: configuration() },
  },
  fails: {
    "answers to another bucket": {
      of: writing("theirs/live/output"),
      among: [bucket({ bucket: "ours" })],
      says: [/asyncInferenceConfig writes to s3:\/\/theirs\/live\/output/],
    },
    "errors to another bucket": {
      of: configuration(asynchronous({ s3FailurePath: "s3://theirs/live/failure" })),
      says: [/asyncInferenceConfig writes to s3:\/\/theirs\/live\/failure/],
    },
    "captured data to another bucket": {
      of: capturing("s3://theirs/live/captured"),
      among: [bucket()],
      says: [/dataCaptureConfig writes to/],
    },
  },
  unknown: {
    "a place that is not known": { of: capturing(unknown), among: [bucket()] },
    "a bucket that is not known, and not of this stack": {
      of: capturing("s3://<output of other.name>/live"),
      among: [bucket()],
    },
  },
});

const lifecycle = (...rules: readonly unknown[]) =>
  subject(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    { rules },
    { from: { bucket: bucket() } },
  );
const ending = (props: Props = {}) => ({ status: "Enabled", expiration: { days: 7 }, ...props });
const ours = [bucket({ bucket: "ours" })];
const nothingExpires = [/nothing expires under live\/captured\/ of the bucket endpoints/];

ruleSuite("endpoint-data-expires", {
  passes: {
    "captured data whose prefix expires": {
      of: capturing("s3://ours/live/captured"),
      among: [...ours, lifecycle(ending({ filter: { prefix: "live/captured/" } }))],
    },
    "captured data in a bucket in which everything expires": {
      of: capturing("s3://ours/live/captured"),
      among: [...ours, lifecycle(ending())],
    },
    "answers in a bucket whose name is not known": {
      of: writing("<output of endpoints.bucket>/live/output"),
      among: [bucket(), lifecycle(ending({ filter: { prefix: "live/" } }))],
    },
    "captured data in a bucket of somebody else's, which another rule refuses": {
      of: capturing("s3://theirs/live/captured"),
    },
  },
  fails: {
    "a bucket without a lifecycle": {
      of: capturing("s3://ours/live/captured"),
      among: ours,
      says: nothingExpires,
    },
    "a rule for something else": {
      of: capturing("s3://ours/live/captured"),
      among: [...ours, lifecycle(ending({ filter: { prefix: "live/captured-too/" } }))],
      says: nothingExpires,
    },
    "a rule that is off": {
      of: capturing("s3://ours/live/captured"),
      among: [...ours, lifecycle(ending({ status: "Disabled" }))],
      says: nothingExpires,
    },
    "a rule for what carries a tag": {
      of: capturing("s3://ours/live/captured"),
      among: [...ours, lifecycle(ending({ filter: { tag: { key: "a", value: "b" } } }))],
      says: nothingExpires,
    },
    "a rule for old versions": {
      of: capturing("s3://ours/live/captured"),
      among: [
        ...ours,
        lifecycle({ status: "Enabled", noncurrentVersionExpiration: { noncurrentDays: 7 } }),
      ],
      says: nothingExpires,
    },
  },
  unknown: {
    "rules that are not known": {
      of: capturing("s3://ours/live/captured"),
      among: [...ours, lifecycle(unknown)],
    },
    "a place that is not known": { of: capturing(unknown), among: ours },
  },
});

const updatedBy = (type: unknown, alarms: unknown = [{ alarmName: unknown }]) => ({
  deploymentConfig: {
    blueGreenUpdatePolicy: { trafficRoutingConfiguration: { type } },
    autoRollbackConfiguration: { alarms },
  },
});

ruleSuite("endpoint-update-guarded", {
  passes: {
    "a canary, with an alarm": { of: endpoint(updatedBy("CANARY")) },
    "step by step, with an alarm": { of: nativeEndpoint(updatedBy("LINEAR")) },
    "an endpoint of inference components, which have updates of their own": {
      of: nativeEndpoint(),
      among: [nativeConfiguration({ productionVariants: [shared()] })],
    },
  },
  fails: {
    "all at once": {
      of: endpoint(updatedBy("ALL_AT_ONCE")),
      says: [/its blue\/green update is ALL_AT_ONCE/],
    },
    "a canary that nobody watches": {
      of: endpoint(updatedBy("CANARY", [])),
      says: [/no alarm takes an update back/],
    },
    "SageMaker's own way": {
      of: endpoint(),
      among: [configuration({ productionVariants: [variant()] })],
      says: [/its blue\/green update is not set/, /no alarm takes an update back/],
    },
  },
  unknown: {
    "a way that is not known": { of: endpoint(updatedBy(unknown)) },
    "alarms that are not known": { of: endpoint(updatedBy("CANARY", unknown)) },
  },
});

const rolling = (alarms: unknown) => ({
  deploymentConfig: {
    rollingUpdatePolicy: { waitIntervalInSeconds: 60 },
    autoRollbackConfiguration: { alarms },
  },
});

ruleSuite("component-update-guarded", {
  passes: {
    "batch by batch, with an alarm": { of: component(rolling([{ alarmName: unknown }])) },
  },
  fails: {
    "batch by batch, with nobody to watch": {
      of: component(rolling([])),
      says: [/no alarm takes an update back/],
    },
    "SageMaker's own way": {
      of: component(),
      says: [/rollingUpdatePolicy is not set/, /no alarm takes an update back/],
    },
  },
  unknown: {
    "alarms that are not known": { of: component(rolling(unknown)) },
    "a deployment that is not known": { of: component({ deploymentConfig: unknown }) },
  },
});

const live = configuration({ productionVariants: [variant()] });

ruleSuite("endpoint-scaling-bounded", {
  passes: {
    "an endpoint with a target": { of: endpoint(), among: [live, target()] },
    "one whose target names it by its output": {
      of: endpoint({ name: unknown }),
      among: [
        live,
        target(
          { resourceId: "endpoint/<output of live.name>/variant/AllTraffic" },
          { resourceId: endpoint() },
        ),
      ],
    },
    "one whose configuration is known by its name": {
      of: subject("aws:sagemaker/endpoint:Endpoint", { name: "live", endpointConfigName: "first" }),
      among: [configuration({ name: "first", productionVariants: [variant()] }), target()],
    },
    "instances that SageMaker brings": {
      of: nativeEndpoint(),
      among: [
        nativeConfiguration({
          productionVariants: [shared({ managedInstanceScaling: { maxInstanceCount: 3 } })],
        }),
      ],
    },
    "an endpoint without instances": {
      of: endpoint(),
      among: [configuration({ productionVariants: [{ serverlessConfig: {} }] })],
    },
    "a component with a target": { of: component(), among: [target(ofCopies)] },
    "a target with bounds": { of: target() },
    "a target of another service": {
      of: target({ serviceNamespace: "dynamodb", minCapacity: 5 }),
    },
  },
  fails: {
    "an endpoint without a target": {
      of: endpoint(),
      among: [live],
      says: [/the instances of its variant AllTraffic have no scaling target/],
    },
    "an endpoint whose other variant has one": {
      of: endpoint(),
      among: [configuration({ productionVariants: [variant({ variantName: "other" })] }), target()],
      says: [/its variant other/],
    },
    "instances that SageMaker does not bring": {
      of: nativeEndpoint(),
      among: [
        nativeConfiguration({
          productionVariants: [
            shared({ managedInstanceScaling: { status: "DISABLED", maxInstanceCount: 3 } }),
          ],
        }),
      ],
      says: [/its variant AllTraffic/],
    },
    "a component without a target": {
      of: component(),
      among: [target({ ...ofCopies, resourceId: "inference-component/other" })],
      says: [/its copies have no scaling target/],
    },
    "a target whose bounds are the wrong way round": {
      of: target({ minCapacity: 5 }),
      says: [/maxCapacity is 4, and minCapacity 5/],
    },
    "a target without an end": {
      of: target({ maxCapacity: undefined }),
      says: [/maxCapacity is not set, and minCapacity 1/],
    },
  },
  unknown: {
    "variants that are not known": {
      of: endpoint(),
      among: [configuration({ productionVariants: unknown }), target()],
    },
    "a target of which it is not known what it scales": {
      of: endpoint(),
      among: [live, target({ resourceId: unknown })],
    },
    "a maximum that is not known": { of: target({ maxCapacity: unknown }) },
  },
});

ruleSuite("managed-scaling-target-exists", {
  passes: {
    "a target of an endpoint": { of: target(), among: [endpoint(), live] },
    "a target of an endpoint whose configuration is elsewhere": {
      of: target(),
      among: [endpoint()],
    },
    "a target of the other provider's endpoint": {
      of: target(),
      among: [nativeEndpoint(), nativeConfiguration({ productionVariants: [variant()] })],
    },
    "a target of a component": { of: target(ofCopies), among: [component()] },
    "a target of another service": { of: target({ serviceNamespace: "dynamodb" }) },
    "a policy of a target": { of: policy(), among: [target()] },
    "a policy that names its target by its output": {
      of: policy({ resourceId: unknown }, { resourceId: target() }),
      among: [target()],
    },
    "a scheduled action of a target": { of: scheduled({}), among: [target()] },
  },
  fails: {
    "a target of an endpoint that is not there": {
      of: target({ resourceId: "endpoint/other/variant/AllTraffic" }),
      among: [endpoint(), live],
      says: [/scales endpoint\/other\/variant\/AllTraffic, which is not in this stack/],
    },
    "a target of a variant that is not there": {
      of: target({ resourceId: "endpoint/live/variant/AllTrafic" }),
      among: [endpoint(), live],
      says: [/AllTrafic, which is not in this stack/],
    },
    "a target of a component of an endpoint's name": {
      of: target({ ...ofCopies, resourceId: "inference-component/live" }),
      among: [endpoint(), live],
      says: [/inference-component\/live, which is not in this stack/],
    },
    "a policy without a target": {
      of: policy(),
      among: [target(ofCopies)],
      says: [/there is no scaling target of its resourceId/],
    },
    "a scheduled action without a target": {
      of: scheduled({}),
      says: [/there is no scaling target of its resourceId/],
    },
  },
  unknown: {
    "a target of which it is not known what it scales": {
      of: target({ resourceId: unknown }),
      among: [endpoint(), live],
    },
    "an endpoint whose name is not known": {
      of: target(),
      among: [endpoint({ name: unknown }), live],
    },
    "a policy of which it is not known what it scales": {
      of: policy({ resourceId: unknown }),
      among: [target()],
    },
  },
});

const queueing = configuration({ ...asynchronous(), productionVariants: [variant()] });

ruleSuite("zero-minimum-supported", {
  passes: {
    "an asynchronous endpoint's": { of: target({ minCapacity: 0 }), among: [endpoint(), queueing] },
    "a component's": {
      of: target({ ...ofCopies, minCapacity: 0 }),
      among: [component()],
    },
    "a realtime endpoint of one instance": { of: target(), among: [endpoint(), live] },
    "instances under components": {
      of: nativeConfiguration({
        productionVariants: [shared({ managedInstanceScaling: { minInstanceCount: 0 } })],
      }),
    },
    "an action of another service": {
      of: scheduled({ minCapacity: 0 }, { serviceNamespace: "ecs" }),
    },
  },
  fails: {
    "a realtime endpoint's": {
      of: target({ minCapacity: 0 }),
      among: [endpoint(), live],
      says: [/minCapacity is 0, and live is a realtime endpoint/],
    },
    "a realtime endpoint's at times": {
      of: scheduled({ minCapacity: 0 }),
      among: [endpoint(), live, target()],
      says: [/minCapacity is 0, and live is a realtime endpoint/],
    },
    "instances with a model": {
      of: nativeConfiguration({
        productionVariants: [variant({ managedInstanceScaling: { minInstanceCount: 0 } })],
      }),
      says: [/its variant AllTraffic has a model, and a minInstanceCount of 0/],
    },
  },
  unknown: {
    "a minimum that is not known": {
      of: target({ minCapacity: unknown }),
      among: [endpoint(), live],
    },
    "bounds that are not known": {
      of: scheduled(unknown),
      among: [endpoint(), live, target()],
    },
    "an asynchronous endpoint of which no more is known": {
      of: target({ minCapacity: 0 }),
      among: [
        endpoint(),
        configuration({ asyncInferenceConfig: unknown, productionVariants: [variant()] }),
      ],
      comesOut: "passes",
    },
  },
});

const alarm = (
  metricName: unknown,
  dimensions: unknown = { EndpointName: "live" },
  by: Subject = policy(),
) =>
  subject(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    { metricName, dimensions },
    { from: { alarmActions: by } },
  );
const backlog = "HasBacklogWithoutCapacity";
const failures = "NoCapacityInvocationFailures";
const stays = [/may be at 0, and no alarm on HasBacklogWithoutCapacity brings it back/];

ruleSuite("zero-capacity-comes-back", {
  passes: {
    "an endpoint that a backlog brings back": {
      of: target({ minCapacity: 0 }),
      among: [policy(), alarm(backlog)],
    },
    "a component that a request brings back": {
      of: target({ ...ofCopies, minCapacity: 0 }),
      among: [policy(ofCopies), alarm(failures, { InferenceComponentName: "drafts" })],
    },
    "one that never is at zero": { of: target() },
    "a target of another service": {
      of: target({ serviceNamespace: "ecs", minCapacity: 0 }),
    },
  },
  fails: {
    "an endpoint with a policy that tracks": {
      of: target({ minCapacity: 0 }),
      among: [
        policy({ policyType: "TargetTrackingScaling", stepScalingPolicyConfiguration: undefined }),
        alarm(backlog),
      ],
      says: stays,
    },
    "an endpoint whose step takes away": {
      of: target({ minCapacity: 0 }),
      among: [
        policy({
          stepScalingPolicyConfiguration: { stepAdjustments: [{ scalingAdjustment: -1 }] },
        }),
        alarm(backlog),
      ],
      says: stays,
    },
    "a policy that no alarm acts by": {
      of: target({ minCapacity: 0 }),
      among: [policy(), alarm(backlog, { EndpointName: "live" }, target())],
      says: stays,
    },
    "an alarm on something else": {
      of: target({ minCapacity: 0 }),
      among: [policy(), alarm("ApproximateBacklogSize")],
      says: stays,
    },
    "an alarm on another endpoint": {
      of: target({ minCapacity: 0 }),
      among: [policy(), alarm(backlog, { EndpointName: "other" })],
      says: stays,
    },
    "a component whose alarm is an endpoint's": {
      of: target({ ...ofCopies, minCapacity: 0 }),
      among: [policy(ofCopies), alarm(backlog)],
      says: [/no alarm on NoCapacityInvocationFailures brings it back/],
    },
    "an endpoint that is at zero at times": {
      of: target(),
      among: [scheduled({ minCapacity: 0 })],
      says: stays,
    },
  },
  unknown: {
    "a minimum that is not known": { of: target({ minCapacity: unknown }) },
    "a step that is not known": {
      of: target({ minCapacity: 0 }),
      among: [policy({ stepScalingPolicyConfiguration: unknown }), alarm(backlog)],
    },
    "a metric that is not known": {
      of: target({ minCapacity: 0 }),
      among: [policy(), alarm(unknown)],
    },
  },
});

const least = { routingStrategy: "LEAST_OUTSTANDING_REQUESTS" };

ruleSuite("endpoint-routes-least-outstanding", {
  passes: {
    "the instance with the fewest requests": {
      of: configuration({ productionVariants: [variant({ routingConfigs: [least] })] }),
    },
    "the same by the other provider": {
      of: nativeConfiguration({ productionVariants: [shared({ routingConfig: least })] }),
    },
    "an asynchronous endpoint, which has a queue": { of: queueing },
  },
  fails: {
    "any instance, as by default": {
      of: live,
      says: [/of its variant AllTraffic is RANDOM by default/],
    },
    "any instance": {
      of: nativeConfiguration({
        productionVariants: [variant({ routingConfig: { routingStrategy: "RANDOM" } })],
      }),
      says: [/is RANDOM\. /],
    },
  },
  unknown: {
    "a strategy that is not known": {
      of: configuration({ productionVariants: [variant({ routingConfigs: [unknown] })] }),
    },
  },
});

ruleSuite("async-endpoint-tells", {
  passes: {
    "both topics": {
      of: configuration(
        asynchronous({ notificationConfig: { successTopic: unknown, errorTopic: unknown } }),
      ),
    },
    "a realtime endpoint": { of: live },
  },
  fails: {
    "no topic": {
      of: configuration(asynchronous()),
      says: [/successTopic is not set/, /errorTopic is not set/],
    },
    "only the one of success": {
      of: configuration(asynchronous({ notificationConfig: { successTopic: "arn" } })),
      says: [/notificationConfig\.errorTopic is not set/],
    },
  },
  unknown: {
    "topics that are not known": {
      of: configuration(asynchronous({ notificationConfig: unknown })),
    },
  },
});
