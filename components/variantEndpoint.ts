import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { sagemakerEndpointConfigurationPrefix } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import {
  type ConcurrencyScaling,
  inFlightPerInstance,
  scaleOnConcurrency,
} from "./concurrencyScaling";
import { captureStore, type DataCapture, dataCaptureOf } from "./dataCapture";
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
import type { EndpointStore } from "./endpointStore";
import { createHostedModel, type HostedModel } from "./hostedModel";
import { alarmNameIn, createMetricAlarm } from "./metricAlarm";
import {
  newFleetErrorsAlarm,
  newFleetErrorsPart,
  overheadAlarm,
  serverErrorsAlarm,
  variantDimensions,
} from "./realtimeAlarms";
import { createRealtimeEndpoint, LEAST_OUTSTANDING } from "./realtimeEndpoint";
import { prefixIn, type Scope } from "./scope";
import type { ServiceRole } from "./serviceRole";

export interface VariantEndpointArgs {
  readonly scope: Scope;
  readonly model: HostedModel;
  readonly machines: EndpointMachines;
  readonly placement: EndpointPlacement;
  /** Where captured data is kept. */
  readonly store: EndpointStore;
  /** One at least: SageMaker has no zero here. */
  readonly instances: ScalingBounds;
  readonly scaling: ConcurrencyScaling;
  readonly schedules: readonly ScheduledBounds[];
  /** Absent: nothing is kept. */
  readonly dataCapture?: DataCapture | undefined;
  readonly deployment: CanaryDeployment;
  readonly alarmTopicArn: pulumi.Input<string>;
  readonly logRetentionDays: number;
}

/**
 * A realtime endpoint of one model, whose instances scale with its requests in flight.
 *
 * Model and endpoint configuration never change: a change makes new ones, the endpoint moves over by
 * blue/green with as many instances as it has, the old ones go last. The endpoint keeps its name.
 *
 * Source: seed 003, "Get started with quicker auto scaling".
 */
export class VariantEndpoint extends pulumi.ComponentResource {
  /** Known before it exists: {@link endpointNameIn}. */
  readonly endpointName: string;
  readonly endpointArn: pulumi.Output<string>;
  /** What clients have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: VariantEndpointArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:VariantEndpoint", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const { scope, machines, instances, alarmTopicArn } = args;
    const endpointName = endpointNameIn(scope, name);
    const logs = createEndpointLogs(name, "Endpoints", endpointName, args.logRetentionDays, inside);
    const role = createRole(name, args, logs, inside);
    const model = createHostedModel(name, args.model, args.placement, role, inside);
    const configuration = createConfiguration(name, args, model, childOptions(this, opts, [model]));

    const server = { name, called: endpointName, dimensions: variantDimensions(endpointName) };
    createMetricAlarm(scope, alarmTopicArn, serverErrorsAlarm(server), inside);
    createMetricAlarm(scope, alarmTopicArn, overheadAlarm(server), inside);
    const rollback = createMetricAlarm(
      scope,
      alarmTopicArn,
      newFleetErrorsAlarm(server, configuration.name),
      inside,
    );
    const endpoint = createRealtimeEndpoint(
      name,
      {
        endpointName,
        configurationName: configuration.name,
        deployment: blueGreen(args.deployment, machines.startupSeconds, [rollback]),
      },
      childOptions(this, opts, [configuration, role.policy, logs]),
    );
    const target = registerTarget(
      name,
      instancesOf(endpointName),
      endpoint.endpointName,
      instances,
      childOptions(this, opts, [endpoint]),
    );
    scaleOnConcurrency(scope, target, inFlightPerInstance(endpointName), args.scaling);
    scheduleBounds(target, args.schedules);

    this.endpointName = endpointName;
    this.endpointArn = endpoint.endpointArn;
    this.ready = [endpoint];
    this.registerOutputs({});
  }
}

function createRole(
  name: string,
  { scope, model, machines, placement, store, dataCapture }: VariantEndpointArgs,
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
      ...captureStore(dataCapture, store),
      rollbackAlarms: [alarmNameIn(scope, newFleetErrorsPart(name))],
    },
    opts,
  );
}

function createConfiguration(
  name: string,
  { scope, machines, placement, store, instances, dataCapture }: VariantEndpointArgs,
  model: aws.sagemaker.Model,
  opts: pulumi.CustomResourceOptions,
): aws.sagemaker.EndpointConfiguration {
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
          routingConfigs: [LEAST_OUTSTANDING],
          ...startupTimeouts(machines),
        },
      ],
      ...(volumeKeyArn === undefined ? {} : { kmsKeyArn: volumeKeyArn }),
      ...dataCaptureOf(dataCapture, store, placement),
    },
    { ...opts, ignoreChanges: [INITIAL_COUNT] },
  );
}
