import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { NamedMetric } from "../contracts/metrics";
import { sagemakerEndpointConfigurationPrefix } from "../fleet/names";
import {
  backlogAgeAlarm,
  failedRequestsAlarm,
  failedRequestsPart,
  growingAtMaximumAlarm,
} from "./asyncEndpointAlarms";
import { scaleOnBacklog } from "./backlogScaling";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { createEncryptedTopic, type EncryptedTopic } from "./encryptedTopic";
import { blueGreen, type CanaryDeployment } from "./endpointDeployment";
import { createEndpointLogs } from "./endpointLogs";
import {
  type EndpointMachines,
  INITIAL_COUNT,
  initialCount,
  type ScalingBounds,
  startupTimeouts,
  VARIANT,
  volumeKey,
} from "./endpointMachines";
import { endpointNameIn } from "./endpointName";
import type { EndpointPlacement } from "./endpointPlacement";
import { createEndpointRole } from "./endpointRole";
import {
  instancesOf,
  registerTarget,
  type ScheduledBounds,
  scheduleBounds,
} from "./endpointScaling";
import { type EndpointStore, storeUri } from "./endpointStore";
import { createHostedModel, type HostedModel } from "./hostedModel";
import { alarmNameIn, createMetricAlarm } from "./metricAlarm";
import { prefixIn, type Scope } from "./scope";
import type { ServiceRole } from "./serviceRole";
import type { AlarmedTopic } from "./topicAlarm";
import { scaleOnUsage, type UsageScaling } from "./usageScaling";

export interface AsyncEndpointArgs {
  readonly scope: Scope;
  readonly model: HostedModel;
  readonly machines: EndpointMachines;
  readonly placement: EndpointPlacement;
  readonly store: EndpointStore;
  readonly instances: ScalingBounds;
  /** Requests that an instance gets at once. */
  readonly concurrency: number;
  readonly usage: UsageScaling;
  /** What counts requests: the second input of the usage rate. */
  readonly requests: NamedMetric;
  /** Instances that are started when requests wait and there are none. */
  readonly instancesFromZero: number;
  /** Requests, waiting and in work, per instance that it scales out beyond; 0: nothing goes by them. */
  readonly backlogPerInstance: number;
  readonly schedules: readonly ScheduledBounds[];
  /** Minutes that a request may wait until an alarm. */
  readonly backlogAgeMinutes: number;
  readonly deployment: CanaryDeployment;
  /** Encrypts what its topics tell. */
  readonly topicKey: aws.kms.Key;
  readonly alarmTopicArn: pulumi.Input<string>;
  readonly logRetentionDays: number;
}

/**
 * An asynchronous endpoint of SageMaker: it queues requests, reads them from S3, writes answers
 * there, and tells topics of success and error. It goes to zero instances and comes back.
 *
 * Model and endpoint configuration never change: a change makes new ones, the endpoint moves over by
 * blue/green, the old ones go last. The endpoint keeps its name. A move starts with the initial
 * number of instances, not with as many as the old fleet has: at least one then tries the new
 * version, also where there were none, and requests wait in the queue while the autoscaler, which
 * stands still during a move, catches up.
 *
 * Source: seed 000, "SageMaker asynchronous endpoints"; SageMaker API reference, UpdateEndpoint
 * (`RetainAllVariantProperties`).
 */
export class AsyncEndpoint extends pulumi.ComponentResource {
  /** Known before it exists: {@link endpointNameIn}. */
  readonly endpointName: string;
  readonly endpointArn: pulumi.Output<string>;
  readonly successTopicArn: pulumi.Output<string>;
  readonly errorTopicArn: pulumi.Output<string>;
  /** Where requests are put: `BUCKET/NAME/input/`. */
  readonly inputPrefix: pulumi.Output<string>;
  readonly alarmed: readonly AlarmedTopic[];
  /** What clients have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: AsyncEndpointArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:AsyncEndpoint", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const endpointName = endpointNameIn(args.scope, name);
    const topics = createTopics(name, args, inside);
    const logs = createEndpointLogs(name, "Endpoints", endpointName, args.logRetentionDays, inside);
    const role = createRole(name, args, topics, logs, inside);
    const model = createHostedModel(name, args.model, args.placement, role, inside);
    const configuration = createConfiguration(name, args, model, topics, inside);
    const errors = createAlarms(name, endpointName, args, inside);
    const endpoint = new aws.sagemaker.Endpoint(
      name,
      {
        name: endpointName,
        endpointConfigName: configuration.name,
        deploymentConfig: blueGreen(args.deployment, args.machines.startupSeconds, [errors]),
      },
      {
        ...childOptions(this, opts, [configuration, role.policy, logs]),
        // Requests lie in its queue.
        protect: args.scope.protectData,
      },
    );
    scale(name, endpointName, args, endpoint, childOptions(this, opts, [endpoint]));

    this.endpointName = endpointName;
    this.endpointArn = endpoint.arn;
    this.successTopicArn = topics.success.topic.arn;
    this.errorTopicArn = topics.error.topic.arn;
    this.inputPrefix = pulumi.interpolate`${args.store.bucketName}/${args.store.prefix}input/`;
    this.alarmed = [
      {
        name: `${name}-success`,
        of: `Nobody was told of an answer of ${endpointName}`,
        topicName: topics.success.topic.name,
      },
      {
        name: `${name}-error`,
        of: `Nobody was told of a failure of ${endpointName}`,
        topicName: topics.error.topic.name,
      },
    ];
    this.ready = [endpoint];
    this.registerOutputs({});
  }
}

interface EndpointTopics {
  readonly success: EncryptedTopic;
  readonly error: EncryptedTopic;
}

function createTopics(
  name: string,
  { scope, topicKey }: AsyncEndpointArgs,
  opts: pulumi.CustomResourceOptions,
): EndpointTopics {
  const topic = (of: string) =>
    createEncryptedTopic(`${name}-${of}`, { scope, key: topicKey }, opts);
  return { success: topic("success"), error: topic("error") };
}

function createRole(
  name: string,
  { scope, model, machines, placement, store, topicKey }: AsyncEndpointArgs,
  { success, error }: EndpointTopics,
  logs: aws.cloudwatch.LogGroup,
  opts: pulumi.CustomResourceOptions,
): ServiceRole {
  return createEndpointRole(
    name,
    {
      scope,
      logs,
      model,
      placement,
      volumeKeyArn: volumeKey(machines, placement),
      store: { of: store, reads: ["input"], writes: ["output", "failure"] },
      topics: { arns: [success.topic.arn, error.topic.arn], keyArn: topicKey.arn },
      rollbackAlarms: [alarmNameIn(scope, failedRequestsPart(name))],
    },
    opts,
  );
}

function createConfiguration(
  name: string,
  { scope, machines, placement, store, instances, concurrency }: AsyncEndpointArgs,
  model: aws.sagemaker.Model,
  { success, error }: EndpointTopics,
  opts: pulumi.CustomResourceOptions & { readonly dependsOn: pulumi.Resource[] },
): aws.sagemaker.EndpointConfiguration {
  const { kmsKeyArn } = placement;
  const volumeKeyArn = volumeKey(machines, placement);
  return new aws.sagemaker.EndpointConfiguration(
    name,
    {
      namePrefix: prefixIn(scope, name, sagemakerEndpointConfigurationPrefix),
      productionVariants: [
        {
          variantName: VARIANT,
          modelName: model.name,
          instanceType: machines.instanceType,
          initialInstanceCount: initialCount(instances),
          initialVariantWeight: 1,
          ...startupTimeouts(machines),
        },
      ],
      ...(volumeKeyArn === undefined ? {} : { kmsKeyArn: volumeKeyArn }),
      asyncInferenceConfig: {
        clientConfig: { maxConcurrentInvocationsPerInstance: concurrency },
        outputConfig: {
          s3OutputPath: storeUri(store, "output"),
          s3FailurePath: storeUri(store, "failure"),
          ...(kmsKeyArn === undefined ? {} : { kmsKeyId: kmsKeyArn }),
          notificationConfig: { successTopic: success.topic.arn, errorTopic: error.topic.arn },
        },
      },
    },
    // SageMaker looks at once whether its role may tell the topics.
    {
      ...opts,
      dependsOn: [...opts.dependsOn, model, success.policy, error.policy],
      ignoreChanges: [INITIAL_COUNT],
    },
  );
}

/** All alarms, of which the one that takes an update back is given to the endpoint. */
function createAlarms(
  name: string,
  endpointName: string,
  { scope, instances, backlogAgeMinutes, alarmTopicArn }: AsyncEndpointArgs,
  opts: pulumi.CustomResourceOptions,
): aws.cloudwatch.MetricAlarm {
  const of = { name, endpointName, maxInstances: instances.max, backlogAgeMinutes };
  createMetricAlarm(scope, alarmTopicArn, backlogAgeAlarm(of), opts);
  createMetricAlarm(scope, alarmTopicArn, growingAtMaximumAlarm(of), opts);
  return createMetricAlarm(scope, alarmTopicArn, failedRequestsAlarm(of), opts);
}

function scale(
  name: string,
  endpointName: string,
  {
    scope,
    instances,
    usage,
    requests,
    instancesFromZero,
    backlogPerInstance,
    schedules,
  }: AsyncEndpointArgs,
  endpoint: aws.sagemaker.Endpoint,
  opts: pulumi.CustomResourceOptions,
): void {
  const target = registerTarget(name, instancesOf(endpointName), endpoint.name, instances, opts);
  scaleOnUsage(target, endpointName, requests, usage);
  scaleOnBacklog(scope, target, endpointName, instancesFromZero, backlogPerInstance);
  scheduleBounds(target, schedules);
}
