import type * as aws from "@pulumi/aws";
import * as sagemaker from "@pulumi/aws-native/sagemaker";
import * as pulumi from "@pulumi/pulumi";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { ComponentEndpoint } from "./componentEndpoint";
import { type ConcurrencyScaling, inFlightPerCopy, scaleOnConcurrency } from "./concurrencyScaling";
import { wakeCopies } from "./copiesFromZero";
import { createEndpointLogs } from "./endpointLogs";
import {
  type EndpointMachines,
  initialCount,
  type ScalingBounds,
  startupTimeouts,
  VARIANT,
} from "./endpointMachines";
import { endpointNameIn } from "./endpointName";
import type { EndpointPlacement } from "./endpointPlacement";
import { createEndpointRole } from "./endpointRole";
import { copiesOf, registerTarget, type ScheduledBounds, scheduleBounds } from "./endpointScaling";
import { createHostedModel, type HostedModel } from "./hostedModel";
import { alarmNameIn, createMetricAlarm } from "./metricAlarm";
import {
  componentDimensions,
  noCapacityAlarm,
  overheadAlarm,
  serverErrorsAlarm,
  serverErrorsPart,
} from "./realtimeAlarms";
import type { Scope } from "./scope";

/** What one copy gets of an instance. */
export interface CopyResources {
  /** GPUs or Neuron chips. */
  readonly devices: number;
  readonly vcpus: number;
  readonly memoryMiB: number;
}

export interface InferenceComponentArgs {
  readonly scope: Scope;
  readonly endpoint: ComponentEndpoint;
  readonly model: HostedModel;
  readonly resources: CopyResources;
  /** Of its endpoint's machines. */
  readonly startupSeconds: EndpointMachines["startupSeconds"];
  /** Of its endpoint. */
  readonly placement: EndpointPlacement;
  readonly copies: ScalingBounds;
  readonly scaling: ConcurrencyScaling;
  readonly schedules: readonly ScheduledBounds[];
  readonly alarmTopicArn: pulumi.Input<string>;
  readonly logRetentionDays: number;
}

/** Percent of the copies that are new at a time; 5 to 50 are allowed, and one at least is taken. */
const batchPercent = 25;

/** Seconds that its alarm has to go off, of each batch: it looks back five minutes, at data that comes late. */
const batchWaitSeconds = 600;

/**
 * A model and what it gets of an endpoint's instances, in as many copies as its requests want.
 *
 * A change of model or resources rolls over the copies, batch by batch, and goes back when its
 * alarm goes off: components know no blue/green. The number of copies is set once, at the beginning, and
 * is the autoscaler's from then on.
 *
 * Source: seed 003, "SageMaker inference components"; SageMaker API reference,
 * InferenceComponentRollingUpdatePolicy.
 */
export class InferenceComponent extends pulumi.ComponentResource {
  /** Known before it exists. */
  readonly inferenceComponentName: string;
  /** What clients have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: InferenceComponentArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:InferenceComponent", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const { scope, placement, copies, alarmTopicArn } = args;
    const componentName = endpointNameIn(scope, name);
    const logs = createEndpointLogs(
      name,
      "InferenceComponents",
      componentName,
      args.logRetentionDays,
      inside,
    );
    const role = createEndpointRole(
      name,
      {
        scope,
        logs,
        model: args.model,
        placement,
        rollbackAlarms: [alarmNameIn(scope, serverErrorsPart(name))],
      },
      inside,
    );
    const model = createHostedModel(name, args.model, placement, role, inside);
    const server = { name, called: componentName, dimensions: componentDimensions(componentName) };
    const errors = createMetricAlarm(scope, alarmTopicArn, serverErrorsAlarm(server), inside);
    createMetricAlarm(scope, alarmTopicArn, overheadAlarm(server), inside);
    if (copies.min === 0) createMetricAlarm(scope, alarmTopicArn, noCapacityAlarm(server), inside);

    const component = createComponent(name, componentName, args, model, errors, {
      ...childOptions(this, opts, [...args.endpoint.ready, model, role.policy, logs]),
    });
    const target = registerTarget(
      name,
      copiesOf(componentName),
      component.inferenceComponentName,
      copies,
      childOptions(this, opts, [component]),
    );
    scaleOnConcurrency(scope, target, inFlightPerCopy(componentName), args.scaling);
    if (copies.min === 0) wakeCopies(scope, target, componentName);
    scheduleBounds(target, args.schedules);

    this.inferenceComponentName = componentName;
    this.ready = [component];
    this.registerOutputs({});
  }
}

function createComponent(
  name: string,
  inferenceComponentName: string,
  { endpoint, resources, startupSeconds, copies }: InferenceComponentArgs,
  model: aws.sagemaker.Model,
  errors: aws.cloudwatch.MetricAlarm,
  opts: pulumi.CustomResourceOptions,
): sagemaker.InferenceComponent {
  return new sagemaker.InferenceComponent(
    name,
    {
      inferenceComponentName,
      endpointName: endpoint.endpointName,
      variantName: VARIANT,
      specification: {
        modelName: model.name,
        computeResourceRequirements: {
          numberOfAcceleratorDevicesRequired: resources.devices,
          numberOfCpuCoresRequired: resources.vcpus,
          minMemoryRequiredInMb: resources.memoryMiB,
        },
        startupParameters: startupTimeouts({ startupSeconds }),
      },
      runtimeConfig: { copyCount: initialCount(copies) },
      deploymentConfig: {
        rollingUpdatePolicy: {
          maximumBatchSize: { type: "CAPACITY_PERCENT", value: batchPercent },
          waitIntervalInSeconds: batchWaitSeconds,
        },
        autoRollbackConfiguration: { alarms: [{ alarmName: errors.name }] },
      },
    },
    {
      ...opts,
      ignoreChanges: ["runtimeConfig"],
      // No call moves one to another endpoint, and its name is taken as long as it is there.
      replaceOnChanges: ["endpointName"],
      deleteBeforeReplace: true,
    },
  );
}
