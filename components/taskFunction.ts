import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { TaskApiLists, TaskApiSettings } from "../contracts/tasks/settings";
import { lambdaFunction, logGroup } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { PolicyStatement } from "./podIdentity";
import { nameIn, type Scope } from "./scope";
import { createServiceRole, type ServiceRole } from "./serviceRole";
import { FUNCTION_HANDLER, FUNCTION_NODE, taskFunctionArchive } from "./taskFunctionCode";

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
}

export interface TaskFunctionArgs {
  readonly scope: Scope;
  /** Its environment. */
  readonly settings: Readonly<
    Record<Exclude<keyof TaskApiSettings, keyof TaskApiLists>, pulumi.Input<string>>
  >;
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
    const group = createLogGroup(name, args, this);
    const role = createRole(name, args, group, this);
    this.function = createFunction(name, args, group, role, this, opts);
    this.registerOutputs({});
  }
}

/** Lambda would make one itself, without an end to what it keeps. */
function createLogGroup(
  name: string,
  { scope, logRetentionDays }: TaskFunctionArgs,
  parent: TaskFunction,
): aws.cloudwatch.LogGroup {
  const prefix = "/aws/lambda/";
  return new aws.cloudwatch.LogGroup(
    `${name}-logs`,
    {
      name: `${prefix}${nameIn(scope, name, logGroup - prefix.length)}`,
      retentionInDays: logRetentionDays,
    },
    { parent },
  );
}

function createRole(
  name: string,
  { scope, stores }: TaskFunctionArgs,
  group: aws.cloudwatch.LogGroup,
  parent: TaskFunction,
): ServiceRole {
  const trusted = {
    service: "lambda.amazonaws.com",
    conditions: { StringEquals: { "aws:SourceAccount": scope.accountId } },
  };
  const statements: PolicyStatement[] = [
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
    {
      Sid: "EncryptTasks",
      Effect: "Allow",
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: stores.topicKeyArn,
      Condition: { StringEquals: { "kms:ViaService": `sns.${scope.region}.amazonaws.com` } },
    },
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
      : [
          {
            Sid: "DecryptResults",
            Effect: "Allow" as const,
            Action: "kms:Decrypt",
            Resource: stores.resultsKeyArn,
            Condition: { StringEquals: { "kms:ViaService": `s3.${scope.region}.amazonaws.com` } },
          },
        ]),
    {
      Sid: "Log",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: pulumi.interpolate`${group.arn}:*`,
    },
    {
      Sid: "Trace",
      Effect: "Allow",
      Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
      Resource: "*",
    },
  ];
  return createServiceRole(name, scope, [trusted], statements, { parent });
}

function createFunction(
  name: string,
  { scope, settings, lists }: TaskFunctionArgs,
  group: aws.cloudwatch.LogGroup,
  { role, policy }: ServiceRole,
  parent: TaskFunction,
  opts: ComponentOptions | undefined,
): aws.lambda.Function {
  return new aws.lambda.Function(
    name,
    {
      name: nameIn(scope, name, lambdaFunction),
      description: `Takes tasks for ${scope.project}, stack ${scope.stack}`,
      architectures: ["arm64"],
      runtime: `nodejs${FUNCTION_NODE}.x`,
      handler: FUNCTION_HANDLER,
      code: taskFunctionArchive(lists),
      role: role.arn,
      memorySize: memoryMiB,
      timeout: timeoutSeconds,
      environment: { variables: { ...settings } },
      loggingConfig: { logFormat: "JSON", logGroup: group.name },
      tracingConfig: { mode: "Active" },
    },
    // Before the topic's subscriptions are there, a task that it takes would reach no queue.
    childOptions(parent, opts, [policy, group]),
  );
}
