import assert from "node:assert/strict";
import { AsyncEndpoint, type AsyncEndpointArgs } from "../../components/asyncEndpoint";
import { construct, type Registry, scope } from "../mocks";
import { asApi, asyncArgs, KEY, machines, model } from "./managedEndpoints";

const MODEL = "aws:sagemaker/model:Model";
const CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";
const ENDPOINT = "aws:sagemaker/endpoint:Endpoint";
const TARGET = "aws:appautoscaling/target:Target";
const POLICY = "aws:appautoscaling/policy:Policy";
const SCHEDULED = "aws:appautoscaling/scheduledAction:ScheduledAction";
const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";

let endpoint: AsyncEndpoint;
const create = (more: Partial<AsyncEndpointArgs> = {}): Promise<Registry> =>
  construct(() => {
    endpoint = new AsyncEndpoint("campaign", asyncArgs(more));
  });

describe("AsyncEndpoint", () => {
  it("loads the files under the artefact's prefix as they are, in a container without a network", async () => {
    const { inputs } = (await create()).one(MODEL);
    assert.deepEqual(inputs.primaryContainer, {
      image: model.image,
      environment: { MODEL_DIRECTORY: "/opt/ml/model" },
      modelDataSource: {
        s3DataSources: [
          {
            s3Uri: "s3://models/sdxl/neuron/0a1b2c/",
            s3DataType: "S3Prefix",
            compressionType: "None",
          },
        ],
      },
    });
    assert.equal(inputs.enableNetworkIsolation, true);
    assert.equal(inputs.vpcConfig, undefined);
  });

  it("stands in the VPC's subnets where it is placed there, isolated or not", async () => {
    const { inputs } = (
      await create({
        placement: {
          isolated: false,
          vpc: { subnetIds: ["subnet-a", "subnet-b"], securityGroupId: "sg-1" },
        },
      })
    ).one(MODEL);
    assert.equal(inputs.enableNetworkIsolation, false);
    assert.deepEqual(inputs.vpcConfig, {
      subnets: ["subnet-a", "subnet-b"],
      securityGroupIds: ["sg-1"],
    });
  });

  it("has one variant, of one instance at first though it may go to none", async () => {
    const [variant, ...others] = (await create()).one(CONFIGURATION).inputs.productionVariants;
    assert.deepEqual(others, []);
    assert.equal(variant.variantName, "AllTraffic");
    assert.equal(variant.instanceType, "ml.inf2.48xlarge");
    assert.equal(variant.initialInstanceCount, 1);
    assert.equal(variant.modelDataDownloadTimeoutInSeconds, 1800);
    assert.equal(variant.containerStartupHealthCheckTimeoutInSeconds, 1800);
    const more = await create({ instances: { min: 2, max: 4 } });
    assert.equal(more.one(CONFIGURATION).inputs.productionVariants[0].initialInstanceCount, 2);
  });

  it("keeps answers and failures apart, tells a topic of each, and gives an instance so many at once", async () => {
    const { inputs } = (await create()).one(CONFIGURATION);
    assert.deepEqual(inputs.asyncInferenceConfig, {
      clientConfig: { maxConcurrentInvocationsPerInstance: 12 },
      outputConfig: {
        s3OutputPath: "s3://managed/campaign/output",
        s3FailurePath: "s3://managed/campaign/failure",
        notificationConfig: {
          successTopic: "arn:aws:mock:us-west-2:123456789012:campaign-success",
          errorTopic: "arn:aws:mock:us-west-2:123456789012:campaign-error",
        },
      },
    });
  });

  it("encrypts answers with the customer's key, and volumes only where there are any", async () => {
    const keys = async (hasLocalStorage: boolean) => {
      const { inputs } = (
        await create({
          machines: { ...machines, hasLocalStorage },
          placement: { isolated: true, kmsKeyArn: KEY },
        })
      ).one(CONFIGURATION);
      return [inputs.asyncInferenceConfig.outputConfig.kmsKeyId, inputs.kmsKeyArn];
    };
    assert.deepEqual(await keys(false), [KEY, KEY]);
    assert.deepEqual(await keys(true), [KEY, undefined]);
    assert.equal((await create()).one(CONFIGURATION).inputs.kmsKeyArn, undefined);
  });

  it("encrypts both topics with the key that it is given", async () => {
    for (const { inputs } of (await create()).ofType("aws:sns/topic:Topic"))
      assert.match(inputs.kmsMasterKeyId, /:topics$/);
  });

  it("is updated by blue/green, a canary first, and taken back by its alarm on failed requests", async () => {
    const made = await create();
    const { inputs } = made.one(ENDPOINT);
    assert.deepEqual(inputs.deploymentConfig.blueGreenUpdatePolicy, {
      trafficRoutingConfiguration: {
        type: "CANARY",
        canarySize: { type: "CAPACITY_PERCENT", value: 10 },
        waitIntervalInSeconds: 600,
      },
      terminationWaitInSeconds: 300,
      maximumExecutionTimeoutInSeconds: 8700,
    });
    assert.deepEqual(inputs.deploymentConfig.autoRollbackConfiguration, {
      alarms: [{ alarmName: "diffusion-fleet-dev-campaign-errors" }],
    });
    assert.ok(made.waitsFor(made.one(ENDPOINT), made.one(ALARM, "campaign-errors")));
  });

  it("keeps its name, and leaves those of what it is replaced by to the provider", async () => {
    const made = await create();
    assert.equal(made.one(ENDPOINT).inputs.name, "diffusion-fleet-dev-campaign");
    assert.equal(endpoint.endpointName, "diffusion-fleet-dev-campaign");
    assert.equal(made.one(CONFIGURATION).inputs.namePrefix, "diffusion-fleet-dev-campaign-");
    const long = await create({ scope: { ...scope, stack: "s".repeat(100) } });
    assert.ok(long.one(ENDPOINT).inputs.name.length <= 63);
    // The provider appends 26 characters.
    assert.ok(long.one(CONFIGURATION).inputs.namePrefix.length <= 63 - 26);
  });

  it("writes to a log that forgets", async () => {
    const { inputs } = (await create()).one("aws:cloudwatch/logGroup:LogGroup");
    assert.equal(inputs.name, "/aws/sagemaker/Endpoints/diffusion-fleet-dev-campaign");
    assert.equal(inputs.retentionInDays, 30);
  });

  it("is protected with the requests in its queue, where data is", async () => {
    for (const protectData of [false, true]) {
      const made = await create({ scope: { ...scope, protectData } });
      assert.equal(made.one(ENDPOINT).protect, protectData);
    }
  });

  it("goes last but for what it is made of: alarms and policies first, then the target", async () => {
    const made = await create({
      schedules: [
        { start: "cron(0 8 * * ? *)", end: "cron(0 20 * * ? *)", timezone: "Etc/UTC", min: 2 },
      ],
    });
    const [target, endpoint] = [made.one(TARGET), made.one(ENDPOINT)];
    for (const hung of [...made.ofType(POLICY), ...made.ofType(SCHEDULED)])
      assert.ok(made.waitsFor(hung, target), hung.name);
    for (const name of ["campaign-from-zero", "campaign-idle"])
      assert.ok(made.waitsFor(made.one(ALARM, name), made.one(POLICY, name)), name);
    const chain = [
      target,
      endpoint,
      made.one(CONFIGURATION),
      made.one(MODEL),
      made.one("aws:iam/rolePolicy:RolePolicy"),
      made.one("aws:iam/role:Role"),
    ];
    for (const [index, later] of chain.slice(0, -1).entries())
      assert.ok(made.waitsFor(later, chain[index + 1]!), later.type);
    for (const policy of made.ofType("aws:sns/topicPolicy:TopicPolicy"))
      assert.ok(made.waitsFor(made.one(CONFIGURATION), policy), "SageMaker tries them at once");
  });

  it("tells of failures, of requests that wait too long, and of a queue that grows at the maximum", async () => {
    const made = await create();
    for (const name of ["campaign-errors", "campaign-backlog-age", "campaign-at-maximum"])
      assert.deepEqual(made.one(ALARM, name).inputs.alarmActions, [
        "arn:aws:sns:us-west-2:123456789012:alarms",
      ]);
    const age = made.one(ALARM, "campaign-backlog-age").inputs;
    assert.equal(age.metricName, "ApproximateAgeOfOldestRequest");
    assert.deepEqual(age.dimensions, { EndpointName: "diffusion-fleet-dev-campaign" });
    assert.equal(age.threshold, 1800, "seconds");
    const [growing] = made.one(ALARM, "campaign-at-maximum").inputs.metricQueries;
    assert.equal(growing.expression, "IF(samples / 5 > 3.5 AND DIFF(backlog) > 0, 1, 0)");
  });

  it("says where requests are put", async () => {
    await create();
    const prefix = await new Promise((resolve) => void endpoint.inputPrefix.apply(resolve));
    assert.equal(prefix, "managed/campaign/input/");
  });
});

/** Seed 000's excerpt, with `endpoint` for our own name and its slips put right. */
function excerpt(endpoint_name: string) {
  return {
    PolicyName: endpoint_name,
    PolicyType: "TargetTrackingScaling",
    ServiceNamespace: "sagemaker",
    ResourceId: `endpoint/${endpoint_name}/variant/AllTraffic`,
    ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
    TargetTrackingScalingPolicyConfiguration: {
      CustomizedMetricSpecification: {
        Metrics: [
          {
            Id: "m1",
            MetricStat: {
              Metric: {
                MetricName: "CPUUtilization",
                Namespace: "/aws/sagemaker/Endpoints",
                Dimensions: [
                  { Name: "EndpointName", Value: endpoint_name },
                  { Name: "VariantName", Value: "AllTraffic" },
                ],
              },
              Stat: "SampleCount",
            },
            ReturnData: false,
          },
          {
            Id: "m2",
            MetricStat: {
              Metric: {
                // " NumberOfInferenceRequests " in the seed.
                MetricName: "NumberOfInferenceRequests",
                Namespace: "ImageGenAPI",
                Dimensions: [
                  { Name: "service", Value: "ImageGenerator" },
                  // "AWS_Lambda_nodejs18.x" in the seed.
                  { Name: "executionEnv", Value: "AWS_Lambda" },
                  { Name: "region", Value: "us-west-2" },
                  // Ours, so that two endpoints do not share it.
                  { Name: "endpoint", Value: endpoint_name },
                ],
              },
              Stat: "SampleCount",
            },
            ReturnData: false,
          },
          {
            Label: "utilization rate",
            Id: "e1",
            Expression: "IF(m1 != 0, m2 / (m1 * 60 / 10 * 12))",
            ReturnData: true,
          },
        ],
      },
      TargetValue: 0.75,
      ScaleOutCooldown: 60,
      ScaleInCooldown: 120,
      DisableScaleIn: false,
    },
  };
}

describe("the scaling of an AsyncEndpoint", () => {
  it("is the seed's policy on the usage rate, field by field", async () => {
    const { inputs } = (await create()).one(POLICY, "campaign-usage");
    assert.deepEqual(asApi(inputs, "PolicyName"), excerpt("diffusion-fleet-dev-campaign"));
  });

  it("keeps the instances within their bounds, from none", async () => {
    assert.deepEqual((await create()).one(TARGET).inputs, {
      serviceNamespace: "sagemaker",
      resourceId: "endpoint/diffusion-fleet-dev-campaign/variant/AllTraffic",
      scalableDimension: "sagemaker:variant:DesiredInstanceCount",
      minCapacity: 0,
      maxCapacity: 4,
    });
  });

  it("comes from zero as soon as requests wait, by AWS's recipe", async () => {
    const made = await create({ instancesFromZero: 2 });
    const policy = made.one(POLICY, "campaign-from-zero");
    assert.deepEqual(asApi(policy.inputs, "PolicyName"), {
      PolicyName: "HasBacklogWithoutCapacity-ScalingPolicy",
      ServiceNamespace: "sagemaker",
      ResourceId: "endpoint/diffusion-fleet-dev-campaign/variant/AllTraffic",
      ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
      PolicyType: "StepScaling",
      StepScalingPolicyConfiguration: {
        AdjustmentType: "ChangeInCapacity",
        MetricAggregationType: "Average",
        Cooldown: 300,
        StepAdjustments: [{ MetricIntervalLowerBound: "0", ScalingAdjustment: 2 }],
      },
    });
    const { name, alarmDescription, ...alarm } = made.one(ALARM, "campaign-from-zero").inputs;
    assert.deepEqual(alarm, {
      metricName: "HasBacklogWithoutCapacity",
      namespace: "AWS/SageMaker",
      statistic: "Average",
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
      threshold: 1,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      treatMissingData: "missing",
      dimensions: { EndpointName: "diffusion-fleet-dev-campaign" },
      period: 60,
      alarmActions: ["arn:aws:mock:us-west-2:123456789012:campaign-from-zero"],
    });
  });

  it("needs nothing to come from zero where it never is there", async () => {
    const made = await create({ instances: { min: 1, max: 4 } });
    assert.deepEqual(
      made
        .ofType(POLICY)
        .map(({ name }) => name)
        .sort(),
      ["campaign-backlog", "campaign-idle", "campaign-usage"],
    );
  });

  it("works off what waits, also where nobody asks any more, by the measure of AWS's guide", async () => {
    const { inputs } = (await create()).one(POLICY, "campaign-backlog");
    const { targetTrackingScalingPolicyConfiguration: tracking } = inputs;
    assert.deepEqual(asApi({ name: "", ...tracking }, "of"), {
      of: "",
      TargetValue: 24,
      CustomizedMetricSpecification: {
        MetricName: "ApproximateBacklogSizePerInstance",
        Namespace: "AWS/SageMaker",
        Dimensions: [{ Name: "EndpointName", Value: "diffusion-fleet-dev-campaign" }],
        Statistic: "Average",
      },
      ScaleInCooldown: 600,
      ScaleOutCooldown: 300,
    });
    const without = await create({ backlogPerInstance: 0 });
    assert.ok(!without.ofType(POLICY).some(({ name }) => name === "campaign-backlog"));
  });

  it("goes to its least when nobody asks, of which the usage rate has no data", async () => {
    const made = await create({ instances: { min: 1, max: 4 } });
    const { stepScalingPolicyConfiguration: step } = made.one(POLICY, "campaign-idle").inputs;
    assert.equal(step.adjustmentType, "ExactCapacity");
    assert.deepEqual(step.stepAdjustments, [
      { metricIntervalUpperBound: "0", scalingAdjustment: 1 },
    ]);
    const alarm = made.one(ALARM, "campaign-idle").inputs;
    assert.equal(alarm.metricName, "ApproximateBacklogSize");
    assert.equal(alarm.statistic, "Maximum", "what is in work counts");
    assert.deepEqual([alarm.comparisonOperator, alarm.threshold], ["LessThanThreshold", 1]);
  });

  it("has other bounds during a campaign, and the usual ones after it", async () => {
    const made = await create({
      schedules: [
        {
          start: "at(2026-12-01T08:00:00)",
          end: "at(2026-12-02T08:00:00)",
          timezone: "Europe/Berlin",
          min: 3,
        },
      ],
    });
    const actions = made
      .ofType(SCHEDULED)
      .map(({ inputs }) => [inputs.schedule, inputs.timezone, inputs.scalableTargetAction]);
    assert.deepEqual(actions, [
      ["at(2026-12-01T08:00:00)", "Europe/Berlin", { minCapacity: 3, maxCapacity: 4 }],
      ["at(2026-12-02T08:00:00)", "Europe/Berlin", { minCapacity: 0, maxCapacity: 4 }],
    ]);
  });
});
