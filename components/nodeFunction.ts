import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { lambdaFunction, logGroup } from "../fleet/names";
import { type ComponentOptions, childOptions } from "./childOptions";
import type { PolicyStatement } from "./podIdentity";
import { nameIn, type Scope } from "./scope";
import { createServiceRole, type ServiceRole } from "./serviceRole";
import { FUNCTION_HANDLER, FUNCTION_NODE } from "./taskFunctionCode";

export interface NodeFunctionArgs {
  readonly scope: Scope;
  readonly description: string;
  readonly code: pulumi.asset.AssetArchive;
  /** Its environment. */
  readonly settings: Readonly<Record<string, pulumi.Input<string> | undefined>>;
  /** What it may do besides logging and tracing. */
  readonly statements: readonly PolicyStatement[];
  /** MiB; CPU comes with it. */
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** Days that its logs are kept. */
  readonly logRetentionDays: number;
}

/** A function and what it may do: what calls it waits for both. */
export interface NodeFunction {
  readonly function: aws.lambda.Function;
  readonly policy: aws.iam.RolePolicy;
}

/** One of the apps on Lambda: on arm64, traced, with logs in JSON that end, and a role of its own. */
export function createNodeFunction(
  name: string,
  args: NodeFunctionArgs,
  parent: pulumi.Resource,
  opts: ComponentOptions | undefined,
): NodeFunction {
  const { scope, settings } = args;
  const group = createLogGroup(name, args, parent);
  const { role, policy } = createRole(name, args, group, parent);
  const variables = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Record<string, pulumi.Input<string>>;
  const made = new aws.lambda.Function(
    name,
    {
      name: nameIn(scope, name, lambdaFunction),
      description: args.description,
      architectures: ["arm64"],
      runtime: `nodejs${FUNCTION_NODE}.x`,
      handler: FUNCTION_HANDLER,
      code: args.code,
      role: role.arn,
      memorySize: args.memoryMiB,
      timeout: args.timeoutSeconds,
      environment: { variables },
      loggingConfig: { logFormat: "JSON", logGroup: group.name },
      tracingConfig: { mode: "Active" },
    },
    childOptions(parent, opts, [policy, group]),
  );
  return { function: made, policy };
}

/** Lambda would make one itself, without an end to what it keeps. */
function createLogGroup(
  name: string,
  { scope, logRetentionDays }: NodeFunctionArgs,
  parent: pulumi.Resource,
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
  { scope, statements }: NodeFunctionArgs,
  group: aws.cloudwatch.LogGroup,
  parent: pulumi.Resource,
): ServiceRole {
  const trusted = {
    service: "lambda.amazonaws.com",
    conditions: { StringEquals: { "aws:SourceAccount": scope.accountId } },
  };
  const all: PolicyStatement[] = [
    ...statements,
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
  return createServiceRole(name, scope, [trusted], all, { parent });
}
