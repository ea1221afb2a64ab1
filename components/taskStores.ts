import * as pulumi from "@pulumi/pulumi";
import { PrivateBucket } from "./privateBucket";
import type { Scope } from "./scope";

export interface TaskStoresArgs {
  readonly scope: Scope;
  readonly results: {
    /** Bucket to use as it is, instead of making one. */
    readonly existingBucket?: string | undefined;
    /** Days that results are kept. */
    readonly days: number;
  };
  /** Days that inputs are kept: as long as the message that names them may live. */
  readonly inputDays: number;
}

export interface TaskStore {
  readonly bucketName: pulumi.Output<string>;
  readonly bucketArn: pulumi.Output<string>;
}

/** Days in which results that were overwritten or deleted can be had back, and expired ones are. */
const deletedResultDays = 7;

/** A day, S3's shortest: nobody asks for an input once its task is forgotten. */
const deletedInputDays = 1;

/** Where tasks find their inputs, and leave their results. */
export class TaskStores extends pulumi.ComponentResource {
  readonly results: TaskStore;
  readonly inputs: TaskStore;
  /** What users of the buckets have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: TaskStoresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:TaskStores", name, {}, opts);
    const inside = { parent: this };
    const inputs = createInputs(args, inside);
    const made =
      args.results.existingBucket === undefined ? createResults(args, inside) : undefined;
    this.inputs = inputs;
    this.results = made ?? existing(args.results.existingBucket!, args.scope);
    this.ready = [...inputs.ready, ...(made?.ready ?? [])];
    this.registerOutputs({});
  }
}

function createResults(
  { scope, results }: TaskStoresArgs,
  opts: pulumi.ComponentResourceOptions,
): PrivateBucket {
  return new PrivateBucket(
    "task-results",
    {
      scope,
      expireDays: results.days,
      noncurrentDays: deletedResultDays,
      protect: scope.protectData,
    },
    opts,
  );
}

function createInputs(
  { scope, inputDays }: TaskStoresArgs,
  opts: pulumi.ComponentResourceOptions,
): PrivateBucket {
  return new PrivateBucket(
    "task-inputs",
    {
      scope,
      expireDays: inputDays,
      noncurrentDays: deletedInputDays,
      protect: scope.protectData,
      // Copies of what clients have.
      forceDestroy: !scope.protectData,
    },
    opts,
  );
}

function existing(bucket: string, { partition }: Scope): TaskStore {
  return {
    bucketName: pulumi.output(bucket),
    bucketArn: pulumi.output(`arn:${partition}:s3:::${bucket}`),
  };
}
