import * as sagemaker from "@pulumi/aws-native/sagemaker";
import * as pulumi from "@pulumi/pulumi";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { captureStore, type DataCapture, dataCaptureOf } from "./dataCapture";
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
import { type EndpointPlacement, networkOf } from "./endpointPlacement";
import { createEndpointRole } from "./endpointRole";
import type { EndpointStore } from "./endpointStore";
import { createRealtimeEndpoint, LEAST_OUTSTANDING } from "./realtimeEndpoint";
import type { Scope } from "./scope";
import type { ServiceRole } from "./serviceRole";

export interface ComponentEndpointArgs {
  readonly scope: Scope;
  readonly machines: EndpointMachines;
  readonly placement: EndpointPlacement;
  /** Where captured data is kept. */
  readonly store: EndpointStore;
  /** Bounds of the instances under the components, which SageMaker itself keeps to. */
  readonly instances: ScalingBounds;
  /** Absent: nothing is kept. */
  readonly dataCapture?: DataCapture | undefined;
  readonly logRetentionDays: number;
}

/**
 * A realtime endpoint without a model: inference components come onto it, and SageMaker brings as
 * many instances as their copies want. None at all when `instances.min` is 0 and no component has a
 * copy.
 *
 * Made by the provider `aws-native`, whose endpoint configuration takes the network of the
 * containers, which comes with the endpoint here and not with a model. It has no blue/green: what
 * changes are components, which roll by themselves.
 *
 * Source: SageMaker developer guide, "Deploy models for real-time inference", "Scale an endpoint to
 * zero instances".
 */
export class ComponentEndpoint extends pulumi.ComponentResource {
  /** Known before it exists: {@link endpointNameIn}. */
  readonly endpointName: string;
  readonly endpointArn: pulumi.Output<string>;
  /** What components have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ComponentEndpointArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:ComponentEndpoint", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const { scope, machines, placement, store, dataCapture } = args;
    const endpointName = endpointNameIn(scope, name);
    const logs = createEndpointLogs(name, "Endpoints", endpointName, args.logRetentionDays, inside);
    const role = createEndpointRole(
      name,
      {
        scope,
        logs,
        placement,
        volumeKeyArn: volumeKey(machines, placement),
        ...captureStore(dataCapture, store),
        rollbackAlarms: [],
      },
      inside,
    );
    const configuration = createConfiguration(
      name,
      args,
      role,
      childOptions(this, opts, [role.policy]),
    );
    const endpoint = createRealtimeEndpoint(
      name,
      {
        endpointName,
        // The provider makes one up, so there is always one.
        configurationName: configuration.endpointConfigName as pulumi.Output<string>,
      },
      childOptions(this, opts, [configuration, role.policy, logs]),
    );
    this.endpointName = endpointName;
    this.endpointArn = endpoint.endpointArn;
    this.ready = [endpoint];
    this.registerOutputs({});
  }
}

function createConfiguration(
  name: string,
  { machines, placement, store, instances, dataCapture }: ComponentEndpointArgs,
  { role }: ServiceRole,
  opts: pulumi.CustomResourceOptions,
): sagemaker.EndpointConfig {
  const volumeKeyArn = volumeKey(machines, placement);
  return new sagemaker.EndpointConfig(
    name,
    {
      executionRoleArn: role.arn,
      productionVariants: [
        {
          variantName: VARIANT,
          instanceType: machines.instanceType,
          initialInstanceCount: initialCount(instances),
          managedInstanceScaling: {
            status: "ENABLED",
            minInstanceCount: instances.min,
            maxInstanceCount: instances.max,
          },
          routingConfig: LEAST_OUTSTANDING,
          ...startupTimeouts(machines),
        },
      ],
      ...networkOf(placement),
      ...(volumeKeyArn === undefined ? {} : { kmsKeyId: volumeKeyArn }),
      ...dataCaptureOf(dataCapture, store, placement),
    },
    { ...opts, ignoreChanges: [INITIAL_COUNT] },
  );
}
