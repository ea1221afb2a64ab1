import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { TASK_API, type TaskApiLists, type TaskApiSettings } from "../contracts/tasks/settings";
import { type ComponentOptions, pulumiOptions } from "./childOptions";
import { keyStatement } from "./keyStatement";
import { invokeStatement, type ManagedTaskStores } from "./managedTaskAccess";
import { createNodeFunction } from "./nodeFunction";
import type { PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";
import { missingObjectsStatement, storeResultsStatements } from "./taskAccess";
import { functionArchive } from "./taskFunctionCode";

/** What the function works with. */
export interface TaskFunctionStores {
  readonly tableArn: pulumi.Input<string>;
  readonly taskTopicArn: pulumi.Input<string>;
  /** The key of the tasks' topic. */
  readonly topicKeyArn: pulumi.Input<string>;
  readonly resultsBucketArn: pulumi.Input<string>;
  /** The customer's key that the results' bucket is encrypted with, where it is. */
  readonly resultsKeyArn?: string | undefined;
  readonly inputsBucketArn: pulumi.Input<string>;
  /** Where runtimes are managed: also the buckets that their inputs may be read from. */
  readonly managed?: (ManagedTaskStores & { readonly inputBuckets: readonly string[] }) | undefined;
}

export interface TaskFunctionArgs {
  readonly scope: Scope;
  /** Its environment. */
  readonly settings: {
    readonly [Name in keyof Omit<TaskApiSettings, keyof TaskApiLists>]: pulumi.Input<string>;
  };
  /** What has no room there. */
  readonly lists: TaskApiLists;
  readonly stores: TaskFunctionStores;
  /** Days that its logs are kept. */
  readonly logRetentionDays: number;
}

/** MiB; CPU comes with it, and half a core reads a request of 6 MB in less than a second. */
const memoryMiB = 512;

/** Seconds: API Gateway waits for 29, and the function divides what it has (apps/task-api/deadline.ts). */
const timeoutSeconds = 25;

/** The function behind the API that tasks are submitted to. */
export class TaskFunction extends pulumi.ComponentResource {
  readonly function: aws.lambda.Function;

  constructor(name: string, args: TaskFunctionArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:TaskFunction", name, {}, pulumiOptions(opts));
    const { scope, settings, lists, logRetentionDays } = args;
    this.function = createNodeFunction(
      name,
      {
        scope,
        description: `Takes tasks for ${scope.project}, stack ${scope.stack}`,
        code: functionArchive(TASK_API, lists),
        settings,
        statements: statementsOf(args),
        memoryMiB,
        timeoutSeconds,
        logRetentionDays,
      },
      this,
      // Before the topic's subscriptions are there, a task that it takes would reach no queue.
      opts,
    ).function;
    this.registerOutputs({});
  }
}

function statementsOf({ scope, stores }: TaskFunctionArgs): readonly PolicyStatement[] {
  return [
    {
      Sid: "Records",
      Effect: "Allow",
      Action: [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
      ],
      Resource: stores.tableArn,
    },
    { Sid: "Submit", Effect: "Allow", Action: "sns:Publish", Resource: stores.taskTopicArn },
    keyStatement("EncryptTasks", "sns", scope.region, stores.topicKeyArn),
    {
      // A link to upload is signed by this role, and may what the role may.
      Sid: "Inputs",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: [
        pulumi.interpolate`${stores.inputsBucketArn}/uploads/*`,
        pulumi.interpolate`${stores.inputsBucketArn}/content/*`,
      ],
    },
    {
      Sid: "LinksToResults",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: pulumi.interpolate`${stores.resultsBucketArn}/*`,
    },
    ...(stores.resultsKeyArn === undefined
      ? []
      : [keyStatement("DecryptResults", "s3", scope.region, stores.resultsKeyArn, "kms:Decrypt")]),
    ...(stores.managed === undefined ? [] : managedStatements(scope, stores, stores.managed)),
  ];
}

/** What tasks of managed runtimes want: their inputs, SageMaker, and with the cache their results. */
function managedStatements(
  { partition, region }: Scope,
  { inputsBucketArn, resultsBucketArn, resultsKeyArn }: TaskFunctionStores,
  managed: ManagedTaskStores & { readonly inputBuckets: readonly string[] },
): readonly PolicyStatement[] {
  const inputBuckets = managed.inputBuckets.map((bucket) => `arn:${partition}:s3:::${bucket}`);
  const { endpointsBucketArn, endpointsKeyArn, cacheTableArn } = managed;
  return [
    {
      Sid: "ReadInputs",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [
        pulumi.interpolate`${inputsBucketArn}/uploads/*`,
        ...inputBuckets.map((bucket) => `${bucket}/*`),
      ],
    },
    missingObjectsStatement([
      inputsBucketArn,
      ...inputBuckets,
      ...(cacheTableArn === undefined ? [] : [resultsBucketArn]),
    ]),
    {
      Sid: "PutRequests",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: pulumi.interpolate`${endpointsBucketArn}/*/input/*`,
    },
    ...(endpointsKeyArn === undefined
      ? []
      : [keyStatement("EncryptRequests", "s3", region, endpointsKeyArn)]),
    invokeStatement(managed),
    {
      Sid: "TellOfResults",
      Effect: "Allow",
      Action: "sns:Publish",
      Resource: managed.resultTopicArn,
    },
    ...(cacheTableArn === undefined
      ? []
      : [
          {
            Sid: "Cache",
            Effect: "Allow" as const,
            Action: "dynamodb:GetItem",
            Resource: cacheTableArn,
          },
          ...storeResultsStatements(region, resultsBucketArn, resultsKeyArn),
        ]),
  ];
}
