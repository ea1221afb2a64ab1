import assert from "node:assert/strict";
import { ComponentEndpoint, type ComponentEndpointArgs } from "../../components/componentEndpoint";
import type { ConcurrencyScaling } from "../../components/concurrencyScaling";
import {
  InferenceComponent,
  type InferenceComponentArgs,
} from "../../components/inferenceComponent";
import { VariantEndpoint, type VariantEndpointArgs } from "../../components/variantEndpoint";
import { construct, type Registry, scope } from "../mocks";
import { alarmTopicArn, asApi, deployment, KEY, machines, model, store } from "./managedEndpoints";

const CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";
const NATIVE_CONFIGURATION = "aws-native:sagemaker:EndpointConfig";
const ENDPOINT = "aws-native:sagemaker:Endpoint";
const COMPONENT = "aws-native:sagemaker:InferenceComponent";
const TARGET = "aws:appautoscaling/target:Target";
const POLICY = "aws:appautoscaling/policy:Policy";
const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";

const g5 = { ...machines, instanceType: "ml.g5.xlarge", hasLocalStorage: true, devices: 1 };

/** Seed 003's figures. */
const tracking: ConcurrencyScaling = {
  policy: "tracking",
  target: 5,
  scaleOutCooldownSeconds: 180,
  scaleInCooldownSeconds: 180,
};

const both = {
  scope,
  placement: { isolated: true },
  schedules: [],
  scaling: tracking,
  alarmTopicArn,
  logRetentionDays: 30,
};

const variant = (more: Partial<VariantEndpointArgs> = {}): Promise<Registry> =>
  construct(
    () =>
      void new VariantEndpoint("portraits", {
        ...both,
        model,
        machines: g5,
        store: store("portraits"),
        instances: { min: 1, max: 4 },
        deployment,
        ...more,
      }),
  );

const component = (
  more: Partial<InferenceComponentArgs> = {},
  under: Partial<ComponentEndpointArgs> = {},
): Promise<Registry> =>
  construct(() => {
    const endpoint = new ComponentEndpoint("shared", {
      ...both,
      machines: g5,
      store: store("shared"),
      instances: { min: 1, max: 4 },
      ...under,
    });
    new InferenceComponent("sdxl", {
      ...both,
      endpoint,
      model,
      resources: { devices: 1, vcpus: 2, memoryMiB: 8192 },
      startupSeconds: 1800,
      copies: { min: 1, max: 8 },
      ...more,
    });
  });

describe("VariantEndpoint", () => {
  it("keeps its instances when it is updated by blue/green, and goes back by the new fleet's errors", async () => {
    const made = await variant();
    const { inputs } = made.one(ENDPOINT);
    assert.equal(inputs.retainAllVariantProperties, true);
    assert.equal(inputs.endpointName, "diffusion-fleet-dev-portraits");
    assert.equal(
      inputs.deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration.type,
      "CANARY",
    );
    assert.deepEqual(inputs.deploymentConfig.autoRollbackConfiguration.alarms, [
      { alarmName: "diffusion-fleet-dev-portraits-new-fleet-errors" },
    ]);
    const rollback = made.one(ALARM, "portraits-new-fleet-errors");
    assert.ok(made.waitsFor(made.one(ENDPOINT), rollback));
  });

  it("hands requests to the instance with the fewest", async () => {
    const [only, ...others] = (await variant()).one(CONFIGURATION).inputs.productionVariants;
    assert.deepEqual(others, []);
    assert.deepEqual(only.routingConfigs, [{ routingStrategy: "LEAST_OUTSTANDING_REQUESTS" }]);
    assert.equal(only.managedInstanceScaling, undefined, "SageMaker has it for components alone");
  });

  it("keeps no requests, unless told to, and then encrypted, and may write nothing else", async () => {
    const none = await variant();
    assert.equal(none.one(CONFIGURATION).inputs.dataCaptureConfig, undefined);
    assert.deepEqual(
      none.statements().filter(({ statement }) => `${statement.Action}`.includes("s3:Put")),
      [],
    );
    const made = await variant({
      dataCapture: { percent: 20 },
      placement: { isolated: true, kmsKeyArn: KEY },
    });
    assert.deepEqual(made.one(CONFIGURATION).inputs.dataCaptureConfig, {
      enableCapture: true,
      initialSamplingPercentage: 20,
      destinationS3Uri: "s3://managed/portraits/captured",
      captureOptions: [{ captureMode: "Input" }, { captureMode: "Output" }],
      captureContentTypeHeader: { jsonContentTypes: ["application/json"] },
      kmsKeyId: KEY,
    });
    assert.equal(made.one(CONFIGURATION).inputs.kmsKeyArn, undefined, "g5 has disks of its own");
    const writes = made.statements().find(({ statement }) => statement.Sid === "WriteAnswers")!;
    assert.deepEqual(writes.statement.Resource, ["arn:aws:s3:::managed/portraits/captured/*"]);
  });

  it("counts as errors what the server fails, not what it refuses", async () => {
    const [share, ...metrics] = (await variant()).one(ALARM, "portraits-errors").inputs
      .metricQueries;
    assert.equal(share.expression, "IF(requests > 0, 100 * (failed - refused) / requests, 0)");
    assert.deepEqual(
      metrics.map(({ id, metric }: { id: string; metric: { metricName: string } }) => [
        id,
        metric.metricName,
      ]),
      [
        ["requests", "Invocations"],
        ["failed", "InvocationModelErrors"],
        ["refused", "Invocation4XXErrors"],
      ],
    );
    for (const { metric } of metrics)
      assert.deepEqual(metric.dimensions, {
        EndpointName: "diffusion-fleet-dev-portraits",
        VariantName: "AllTraffic",
      });
  });

  it("goes after its scaling target, and that after its policies", async () => {
    const made = await variant();
    assert.ok(made.waitsFor(made.one(TARGET), made.one(ENDPOINT)));
    for (const policy of made.ofType(POLICY)) assert.ok(made.waitsFor(policy, made.one(TARGET)));
    assert.ok(made.waitsFor(made.one(ENDPOINT), made.one(CONFIGURATION)));
    assert.ok(made.waitsFor(made.one(CONFIGURATION), made.one("aws:sagemaker/model:Model")));
  });
});

describe("scaling on requests in flight", () => {
  it("is the seed's target and policy for a variant, field by field", async () => {
    const made = await variant();
    const count = {
      ServiceNamespace: "sagemaker",
      ResourceId: "endpoint/diffusion-fleet-dev-portraits/variant/AllTraffic",
      ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
    };
    const { Target: _, ...target } = asApi(made.one(TARGET).inputs, "Target") as {
      Target: unknown;
    };
    assert.deepEqual(target, { ...count, MinCapacity: 1, MaxCapacity: 4 });
    assert.deepEqual(asApi(made.one(POLICY).inputs, "PolicyName"), {
      PolicyName: "SageMakerEndpointScalingPolicy",
      ...count,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 5.0,
        PredefinedMetricSpecification: {
          PredefinedMetricType: "SageMakerVariantConcurrentRequestsPerModelHighResolution",
        },
        ScaleInCooldown: 180,
        ScaleOutCooldown: 180,
      },
    });
  });

  it("is the seed's target and policy for an inference component, field by field", async () => {
    const made = await component();
    const count = {
      ServiceNamespace: "sagemaker",
      ResourceId: "inference-component/diffusion-fleet-dev-sdxl",
      ScalableDimension: "sagemaker:inference-component:DesiredCopyCount",
    };
    const { Target: _, ...target } = asApi(made.one(TARGET).inputs, "Target") as {
      Target: unknown;
    };
    assert.deepEqual(target, { ...count, MinCapacity: 1, MaxCapacity: 8 });
    assert.deepEqual(asApi(made.one(POLICY).inputs, "PolicyName"), {
      PolicyName: "SageMakerInferenceComponentScalingPolicy",
      ...count,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 5.0,
        PredefinedMetricSpecification: {
          PredefinedMetricType:
            "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
        },
        ScaleInCooldown: 180,
        ScaleOutCooldown: 180,
      },
    });
  });

  it("tracks invocations beside it where a crash shall take nothing away", async () => {
    const tracked = async (made: Promise<Registry>) =>
      Object.fromEntries(
        (await made).ofType(POLICY).map(({ inputs }) => {
          const it = inputs.targetTrackingScalingPolicyConfiguration;
          return [it.predefinedMetricSpecification.predefinedMetricType, it.targetValue];
        }),
      );
    const scaling = { ...tracking, policy: "hybrid", invocationsPerMinute: 40 } as const;
    assert.deepEqual(await tracked(variant({ scaling })), {
      SageMakerVariantConcurrentRequestsPerModelHighResolution: 5,
      SageMakerVariantInvocationsPerInstance: 40,
    });
    assert.deepEqual(await tracked(component({ scaling })), {
      SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution: 5,
      SageMakerInferenceComponentInvocationsPerCopy: 40,
    });
    assert.throws(() => {
      const { invocationsPerMinute: _, ...without } = scaling;
      new VariantEndpoint("x", {
        ...both,
        model,
        machines: g5,
        store: store("x"),
        instances: { min: 1, max: 2 },
        deployment,
        scaling: without,
      });
    }, /invocationsPerMinute/);
  });

  it("takes steps by alarms of its own, out on ten seconds' data and in on a quarter of an hour's", async () => {
    const made = await variant({ scaling: { ...tracking, policy: "step" } });
    const step = (name: string) => made.one(POLICY, name).inputs.stepScalingPolicyConfiguration;
    assert.deepEqual(step("portraits-scale-out").stepAdjustments, [
      { metricIntervalLowerBound: "0", metricIntervalUpperBound: "5", scalingAdjustment: 1 },
      { metricIntervalLowerBound: "5", scalingAdjustment: 2 },
    ]);
    assert.deepEqual(step("portraits-scale-in").stepAdjustments, [
      { metricIntervalUpperBound: "0", scalingAdjustment: -1 },
    ]);
    const watched = ({
      metricName,
      period,
      evaluationPeriods,
      threshold,
    }: Record<string, unknown>) => [metricName, period, evaluationPeriods, threshold];
    assert.deepEqual(watched(made.one(ALARM, "portraits-scale-out").inputs), [
      "ConcurrentRequestsPerModel",
      10,
      3,
      5,
    ]);
    assert.deepEqual(watched(made.one(ALARM, "portraits-scale-in").inputs), [
      "ConcurrentRequestsPerModel",
      60,
      15,
      2.5,
    ]);
    for (const name of ["portraits-scale-out", "portraits-scale-in"])
      assert.deepEqual(made.one(ALARM, name).inputs.alarmActions, [
        `arn:aws:mock:us-west-2:123456789012:${name}`,
      ]);
  });
});

describe("ComponentEndpoint", () => {
  it("has instances that SageMaker scales between their bounds, none among them, and no model", async () => {
    const made = await component({}, { instances: { min: 0, max: 4 } });
    const [only, ...others] = made.one(NATIVE_CONFIGURATION).inputs.productionVariants;
    assert.deepEqual(others, []);
    assert.deepEqual(only.managedInstanceScaling, {
      status: "ENABLED",
      minInstanceCount: 0,
      maxInstanceCount: 4,
    });
    assert.equal(only.initialInstanceCount, 1);
    assert.equal(only.modelName, undefined);
    assert.deepEqual(only.routingConfig, { routingStrategy: "LEAST_OUTSTANDING_REQUESTS" });
  });

  it("brings the containers' network and a role, which a model brings elsewhere", async () => {
    const { inputs } = (
      await component(
        {},
        {
          placement: { isolated: true, vpc: { subnetIds: ["subnet-a"], securityGroupId: "sg-1" } },
        },
      )
    ).one(NATIVE_CONFIGURATION);
    assert.equal(inputs.enableNetworkIsolation, true);
    assert.deepEqual(inputs.vpcConfig, { subnets: ["subnet-a"], securityGroupIds: ["sg-1"] });
    assert.match(inputs.executionRoleArn, /:role\/shared-execution$/);
  });

  it("takes no canary, which components do not know", async () => {
    const { inputs } = (await component()).one(ENDPOINT);
    assert.equal(inputs.deploymentConfig, undefined);
    assert.equal(inputs.retainAllVariantProperties, true);
  });
});

describe("InferenceComponent", () => {
  it("says what a copy gets of an instance", async () => {
    const { inputs } = (await component()).one(COMPONENT);
    assert.equal(inputs.inferenceComponentName, "diffusion-fleet-dev-sdxl");
    assert.equal(inputs.endpointName, "diffusion-fleet-dev-shared");
    assert.deepEqual(inputs.specification.computeResourceRequirements, {
      numberOfAcceleratorDevicesRequired: 1,
      numberOfCpuCoresRequired: 2,
      minMemoryRequiredInMb: 8192,
    });
    assert.deepEqual(inputs.specification.startupParameters, {
      modelDataDownloadTimeoutInSeconds: 1800,
      containerStartupHealthCheckTimeoutInSeconds: 1800,
    });
  });

  it("rolls, and goes back by its alarm", async () => {
    const made = await component();
    const { inputs } = made.one(COMPONENT);
    const { rollingUpdatePolicy, autoRollbackConfiguration } = inputs.deploymentConfig;
    assert.ok(rollingUpdatePolicy.maximumBatchSize.value >= 5);
    assert.ok(rollingUpdatePolicy.maximumBatchSize.value <= 50);
    assert.deepEqual(autoRollbackConfiguration.alarms, [
      { alarmName: "diffusion-fleet-dev-sdxl-errors" },
    ]);
    const { period } = made.one(ALARM, "sdxl-errors").inputs.metricQueries[1].metric;
    const { evaluationPeriods } = made.one(ALARM, "sdxl-errors").inputs;
    assert.ok(rollingUpdatePolicy.waitIntervalInSeconds > period * evaluationPeriods);
  });

  it("begins with a copy though it may have none, and wakes by AWS's recipe at the first request", async () => {
    const made = await component({ copies: { min: 0, max: 8 } });
    assert.deepEqual(made.one(COMPONENT).inputs.runtimeConfig, { copyCount: 1 });
    assert.equal(made.one(TARGET).inputs.minCapacity, 0);
    assert.deepEqual(made.one(POLICY, "sdxl-from-zero").inputs.stepScalingPolicyConfiguration, {
      adjustmentType: "ChangeInCapacity",
      metricAggregationType: "Maximum",
      cooldown: 60,
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
    });
    const alarm = made.one(ALARM, "sdxl-from-zero").inputs;
    assert.equal(alarm.metricName, "NoCapacityInvocationFailures");
    assert.deepEqual(alarm.dimensions, { InferenceComponentName: "diffusion-fleet-dev-sdxl" });
    assert.deepEqual(
      [alarm.statistic, alarm.comparisonOperator, alarm.threshold],
      ["Sum", "GreaterThanOrEqualToThreshold", 1],
      "the first one counts",
    );
    assert.equal((await component()).ofType(POLICY).length, 1, "where there always is a copy");
  });

  it("has a role of its own, that knows its model and nothing of the endpoint's", async () => {
    const made = await component();
    const sids = (role: string) =>
      made.statements().flatMap((it) => (it.role === role ? [it.statement.Sid] : []));
    assert.ok(sids("sdxl-execution").includes("ReadItsModel"));
    assert.ok(!sids("shared-execution").includes("ReadItsModel"));
    const logs = made.ofType("aws:cloudwatch/logGroup:LogGroup").map(({ inputs }) => inputs.name);
    assert.deepEqual(logs.sort(), [
      "/aws/sagemaker/Endpoints/diffusion-fleet-dev-shared",
      "/aws/sagemaker/InferenceComponents/diffusion-fleet-dev-sdxl",
    ]);
  });

  it("goes after its target and before its endpoint and model", async () => {
    const made = await component();
    const it = made.one(COMPONENT);
    assert.ok(made.waitsFor(made.one(TARGET), it));
    assert.ok(made.waitsFor(it, made.one(ENDPOINT)));
    assert.ok(made.waitsFor(made.one(ENDPOINT), made.one(NATIVE_CONFIGURATION)));
    assert.ok(made.waitsFor(it, made.one("aws:sagemaker/model:Model")));
  });
});
