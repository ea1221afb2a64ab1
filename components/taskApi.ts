import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { logGroup, restApi } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { nameIn, type Scope } from "./scope";
import { taskApiPolicy } from "./taskApiAccess";
import { taskApiDocument } from "./taskApiDocument";

export interface TaskApiArgs {
  readonly scope: Scope;
  readonly function: aws.lambda.Function;
  /** First part of the API's paths. */
  readonly stage: string;
  /** `iam`: signed requests of principals that may invoke it, and a key; `key`: a key is enough. */
  readonly authentication: "iam" | "key";
  /** VPC endpoints that a private API is reached through; absent: the API is public. */
  readonly privateThrough?: readonly pulumi.Input<string>[] | undefined;
  /** Networks that may call a public API; empty: any. */
  readonly allowedCidrs: readonly string[];
  /** Of a key, and of all requests together. */
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number };
  /** Requests a day of a key; absent: any number. */
  readonly quotaPerDay?: number | undefined;
  /** A regional web ACL to put in front. */
  readonly webAclArn?: string | undefined;
  /** Days that access logs are kept. */
  readonly logRetentionDays: number;
}

/** TLS 1.2 at least. Source: API Gateway developer guide, "Security policies for REST APIs". */
const securityPolicy = "SecurityPolicy_TLS13_1_2_2021_06";

/** A policy of this kind wants it said. `STRICT` would refuse what comes by another name than the endpoint's. */
const endpointAccessMode = "BASIC";

/**
 * One line of the access log: who asked for what, how it ended, and what took how long.
 *
 * Source: API Gateway developer guide, "Variables for access logging for API Gateway".
 */
const accessLogFormat = JSON.stringify({
  time: "$context.requestTimeEpoch",
  requestId: "$context.requestId",
  traceId: "$context.xrayTraceId",
  sourceIp: "$context.identity.sourceIp",
  caller: "$context.identity.userArn",
  keyId: "$context.identity.apiKeyId",
  vpcEndpoint: "$context.identity.vpceId",
  userAgent: "$context.identity.userAgent",
  method: "$context.httpMethod",
  path: "$context.path",
  status: "$context.status",
  bytes: "$context.responseLength",
  latencyMs: "$context.responseLatency",
  functionMs: "$context.integration.latency",
  functionStatus: "$context.integration.integrationStatus",
  functionError: "$context.integration.error",
  error: "$context.error.responseType",
  refused: "$context.error.validationErrorString",
  webAcl: "$context.waf.status",
});

/**
 * The REST API that tasks are submitted to: everything of it is in the document that it is made
 * from, and a stage serves what was deployed last.
 */
export class TaskApi extends pulumi.ComponentResource {
  /** Where it is, without a slash at the end. */
  readonly url: pulumi.Output<string>;
  /** Id of its first key; `aws apigateway get-api-key --include-value` tells the key itself. */
  readonly apiKeyId: pulumi.Output<string>;
  /** More keys go into this plan. */
  readonly usagePlanId: pulumi.Output<string>;
  readonly apiId: pulumi.Output<string>;
  readonly apiName: pulumi.Output<string>;

  constructor(name: string, args: TaskApiArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:TaskApi", name, {}, pulumiOptions(opts));
    const body = createBody(args);
    const api = createApi(name, args, body, this);
    const permission = allowToInvoke(name, args, api, this);
    const deployment = deploy(name, api, body, this);
    const stage = createStage(name, args, api, deployment, permission, this, opts);
    limit(name, args, api, stage, this);
    const plan = createUsagePlan(name, args, api, stage, this);
    const key = createKey(name, args, plan, this);
    if (args.webAclArn !== undefined) protect(name, args.webAclArn, stage, this);
    this.apiId = api.id;
    this.apiName = api.name;
    this.url = urlOf(args, api, stage);
    this.apiKeyId = key.id;
    this.usagePlanId = plan.id;
    this.registerOutputs({});
  }
}

function createBody(args: TaskApiArgs): pulumi.Output<string> {
  const { scope, authentication, privateThrough = [], allowedCidrs, stage } = args;
  return pulumi
    .all([args.function.invokeArn, scope.accountId, [...privateThrough]])
    .apply(([functionInvokeArn, accountId, vpcEndpointIds]) =>
      JSON.stringify(
        taskApiDocument({
          functionInvokeArn,
          signed: authentication === "iam",
          vpcEndpointIds,
          policy: taskApiPolicy(scope, accountId, stage, {
            authentication,
            vpcEndpointIds,
            allowedCidrs,
          }),
          securityPolicy,
          endpointAccessMode,
        }),
      ),
    );
}

function createApi(
  name: string,
  { scope, privateThrough }: TaskApiArgs,
  body: pulumi.Output<string>,
  parent: TaskApi,
): aws.apigateway.RestApi {
  return new aws.apigateway.RestApi(
    name,
    {
      name: nameIn(scope, name, restApi),
      description: `Tasks of ${scope.project}, stack ${scope.stack}`,
      body,
      // A path that is no longer in the document is no longer there.
      putRestApiMode: "overwrite",
      endpointConfiguration:
        privateThrough === undefined
          ? { types: "REGIONAL" }
          : { types: "PRIVATE", vpcEndpointIds: [...privateThrough] },
      securityPolicy,
      endpointAccessMode,
    },
    { parent },
  );
}

/** This stage of this API may call the function, and nothing else. */
function allowToInvoke(
  name: string,
  { function: target, stage }: TaskApiArgs,
  api: aws.apigateway.RestApi,
  parent: TaskApi,
): aws.lambda.Permission {
  return new aws.lambda.Permission(
    name,
    {
      function: target.name,
      action: "lambda:InvokeFunction",
      principal: "apigateway.amazonaws.com",
      sourceArn: pulumi.interpolate`${api.executionArn}/${stage}/*/*`,
    },
    { parent },
  );
}

/** A deployment is a copy of the API as it is, so that each change of the document wants a new one. */
function deploy(
  name: string,
  api: aws.apigateway.RestApi,
  body: pulumi.Output<string>,
  parent: TaskApi,
): aws.apigateway.Deployment {
  return new aws.apigateway.Deployment(
    `${name}-deployment`,
    {
      restApi: api.id,
      triggers: {
        document: body.apply((text) => createHash("sha256").update(text).digest("hex")),
      },
    },
    { parent, dependsOn: [api] },
  );
}

function createStage(
  name: string,
  { scope, stage, logRetentionDays }: TaskApiArgs,
  api: aws.apigateway.RestApi,
  deployment: aws.apigateway.Deployment,
  permission: aws.lambda.Permission,
  parent: TaskApi,
  opts: ComponentOptions | undefined,
): aws.apigateway.Stage {
  const prefix = "/aws/apigateway/";
  const group = new aws.cloudwatch.LogGroup(
    `${name}-access`,
    {
      name: `${prefix}${nameIn(scope, name, logGroup - prefix.length)}`,
      retentionInDays: logRetentionDays,
    },
    { parent },
  );
  return new aws.apigateway.Stage(
    name,
    {
      restApi: api.id,
      deployment: deployment.id,
      stageName: stage,
      accessLogSettings: { destinationArn: group.arn, format: accessLogFormat },
      xrayTracingEnabled: true,
    },
    // A request that comes before the permission would be answered 500.
    childOptions(parent, opts, [permission]),
  );
}

/** All requests together; what is in them is not logged. */
function limit(
  name: string,
  { throttle }: TaskApiArgs,
  api: aws.apigateway.RestApi,
  stage: aws.apigateway.Stage,
  parent: TaskApi,
): void {
  new aws.apigateway.MethodSettings(
    name,
    {
      restApi: api.id,
      stageName: stage.stageName,
      methodPath: "*/*",
      settings: {
        throttlingRateLimit: throttle.ratePerSecond,
        throttlingBurstLimit: throttle.burst,
        loggingLevel: "OFF",
        dataTraceEnabled: false,
        metricsEnabled: false,
      },
    },
    { parent },
  );
}

function createUsagePlan(
  name: string,
  { scope, throttle, quotaPerDay }: TaskApiArgs,
  api: aws.apigateway.RestApi,
  stage: aws.apigateway.Stage,
  parent: TaskApi,
): aws.apigateway.UsagePlan {
  return new aws.apigateway.UsagePlan(
    `${name}-clients`,
    {
      name: nameIn(scope, name, restApi),
      description: `Who submits tasks to ${scope.project}, stack ${scope.stack}`,
      apiStages: [{ apiId: api.id, stage: stage.stageName }],
      throttleSettings: { rateLimit: throttle.ratePerSecond, burstLimit: throttle.burst },
      ...(quotaPerDay === undefined
        ? {}
        : { quotaSettings: { limit: quotaPerDay, period: "DAY" } }),
    },
    { parent },
  );
}

/** API Gateway makes the key up. */
function createKey(
  name: string,
  { scope }: TaskApiArgs,
  plan: aws.apigateway.UsagePlan,
  parent: TaskApi,
): aws.apigateway.ApiKey {
  const key = new aws.apigateway.ApiKey(
    `${name}-client`,
    {
      name: nameIn(scope, name, restApi),
      description: `The first client of ${scope.project}, stack ${scope.stack}`,
    },
    { parent },
  );
  new aws.apigateway.UsagePlanKey(
    `${name}-client`,
    { usagePlanId: plan.id, keyId: key.id, keyType: "API_KEY" },
    { parent },
  );
  return key;
}

function protect(
  name: string,
  webAclArn: string,
  stage: aws.apigateway.Stage,
  parent: TaskApi,
): void {
  new aws.wafv2.WebAclAssociation(name, { webAclArn, resourceArn: stage.arn }, { parent });
}

/**
 * Of a private API the name that leads to its first VPC endpoint, which resolves without private DNS.
 *
 * Source: API Gateway developer guide, "Invoke a private API", on Route 53 aliases.
 */
function urlOf(
  { scope, privateThrough = [] }: TaskApiArgs,
  api: aws.apigateway.RestApi,
  stage: aws.apigateway.Stage,
): pulumi.Output<string> {
  const suffix = scope.partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const [endpoint] = privateThrough;
  const host =
    endpoint === undefined ? pulumi.output(api.id) : pulumi.interpolate`${api.id}-${endpoint}`;
  return pulumi.interpolate`https://${host}.execute-api.${scope.region}.${suffix}/${stage.stageName}`;
}
