import type { PlanDocument, PlannedResource } from "../../cli/plan/document";

/** Plausible values where a preview knows none: what AWS would have answered. */

/** As much of a plan as is read here. */
export interface Planned {
  readonly document: Pick<PlanDocument, "resources">;
}

const account = "123456789012";
const id = "0123456789abcdef0";
const key = "11111111-2222-3333-4444-555555555555";
const apiId = "a1b2c3d4e5";

/** What a resource is called in AWS; the provider appends 26 characters to a prefix. */
export function physicalName({ name, inputs }: PlannedResource): string {
  const prefix = inputs.namePrefix ?? inputs.bucketPrefix;
  return String(
    inputs.name ?? (prefix === undefined ? name : `${prefix}20260801120000000000000001`),
  );
}

/** ARNs by resource type and name, for resources whose ARN another resource uses. */
const arns: Readonly<Record<string, (name: string) => string>> = {
  "aws:appautoscaling/policy:Policy": (name) =>
    `arn:aws:autoscaling:us-west-2:${account}:scalingPolicy:${key}:resource/sagemaker/${name}`,
  "aws:apigateway/stage:Stage": () =>
    `arn:aws:apigateway:us-west-2::/restapis/${apiId}/stages/prod`,
  "aws:cloudwatch/eventRule:EventRule": (name) =>
    `arn:aws:events:us-west-2:${account}:rule/${name}`,
  "aws:cloudwatch/logGroup:LogGroup": (name) =>
    `arn:aws:logs:us-west-2:${account}:log-group:${name}`,
  "aws:dynamodb/table:Table": (name) => `arn:aws:dynamodb:us-west-2:${account}:table/${name}`,
  "aws:ec2/launchTemplate:LaunchTemplate": () =>
    `arn:aws:ec2:us-west-2:${account}:launch-template/lt-${id}`,
  "aws:ecr/repository:Repository": (name) => `arn:aws:ecr:us-west-2:${account}:repository/${name}`,
  "aws:iam/instanceProfile:InstanceProfile": (name) =>
    `arn:aws:iam::${account}:instance-profile/${name}`,
  "aws:iam/role:Role": (name) => `arn:aws:iam::${account}:role/${name}`,
  "aws:kms/key:Key": () => `arn:aws:kms:us-west-2:${account}:key/${key}`,
  "aws:lambda/function:Function": (name) => `arn:aws:lambda:us-west-2:${account}:function:${name}`,
  "aws:s3/bucket:Bucket": (name) => `arn:aws:s3:::${name}`,
  "aws:sagemaker/endpoint:Endpoint": (name) =>
    `arn:aws:sagemaker:us-west-2:${account}:endpoint/${name}`,
  "aws:sns/topic:Topic": (name) => `arn:aws:sns:us-west-2:${account}:${name}`,
  "aws:sqs/queue:Queue": (name) => `arn:aws:sqs:us-west-2:${account}:${name}`,
  "aws:ssm/document:Document": (name) =>
    `arn:aws:ssm:us-west-2:${account}:automation-definition/${name}`,
  "aws:ssm/parameter:Parameter": (name) => `arn:aws:ssm:us-west-2:${account}:parameter${name}`,
};

/** Values of all other outputs, by `TYPE PROPERTY` or, where all have the same, by property. */
const values: Readonly<Record<string, (name: string) => string>> = {
  accountId: () => account,
  bucket: (name) => name,
  name: (name) => name,
  keyId: () => key,
  clusterSecurityGroupId: () => `sg-${id}`,
  vpcId: () => `vpc-${id}`,
  endpointConfigName: (name) => `${name}-0123abc`,
  executionArn: () => `arn:aws:execute-api:us-west-2:${account}:${apiId}`,
  invokeArn: (name) =>
    `arn:aws:apigateway:us-west-2:lambda:path/2015-03-31/functions/arn:aws:lambda:us-west-2:${account}:function:${name}/invocations`,
  insecureValue: () => "1.57.0-8a1b2c3d",
  latestVersion: () => "1",
  repositoryUrl: (name) => `${account}.dkr.ecr.us-west-2.amazonaws.com/${name}`,
  url: (name) => `https://sqs.us-west-2.amazonaws.com/${account}/${name}`,
  "aws:apigateway/apiKey:ApiKey id": () => "k1b2c3d4e5",
  "aws:apigateway/deployment:Deployment id": () => "d1b2c3",
  "aws:apigateway/restApi:RestApi id": () => apiId,
  "aws:apigateway/usagePlan:UsagePlan id": () => "p1b2c3",
  "aws:ec2/vpcEndpoint:VpcEndpoint id": () => `vpce-${id}`,
  "aws:iam/role:Role id": (name) => name,
  "aws:kms/key:Key id": () => key,
  "getPrefixList id": () => `pl-${id}`,
  "aws:ec2/launchTemplate:LaunchTemplate id": () => `lt-${id}`,
  "aws:ec2/securityGroup:SecurityGroup id": () => `sg-${id}`,
};

/**
 * A text of the plan with a plausible value for every `<output of NAME.PROPERTY>` in it. Resources
 * of several types may share a name: their ARN is the one that fits best to what `about` names, IAM
 * actions and condition keys such as `ssm:PutParameter`.
 */
export function filled(plan: Planned, text: string, about: readonly string[] = []): string {
  return text.replace(/<output of ([^<>]+?)\.([^<>.]+)>/g, (placeholder, name, property) => {
    const named = plan.document.resources.filter((resource) => resource.name === name);
    const value =
      property === "arn" ? arnOf(named, about) : outputOf(named, String(name), String(property));
    if (value === undefined)
      throw new Error(`tests/program/filled.ts has no value for ${placeholder}`);
    return value;
  });
}

function arnOf(named: readonly PlannedResource[], about: readonly string[]): string | undefined {
  const all = named.flatMap((resource) => arns[resource.type]?.(physicalName(resource)) ?? []);
  const words = about.map((word) => word.toLowerCase());
  const ofService = all.filter((arn) =>
    words.some((word) => word.startsWith(`${arn.split(":")[2]}:`)),
  );
  const ofKind = ofService.filter((arn) => {
    const kind = /^(?:[^:]*:){5}([a-z]*)/.exec(arn)![1]!;
    return words.some((word) => word.includes(kind));
  });
  return ofKind[0] ?? ofService[0] ?? all[0];
}

function outputOf(named: readonly PlannedResource[], name: string, property: string) {
  if (/SubnetIds\[\d\]$/.test(property)) return `subnet-${id.slice(0, -1)}${property.at(-2)}`;
  const owner = named.find(({ type }) => values[`${type} ${property}`] !== undefined) ?? named[0];
  // What a function answers has the function's name.
  const value = values[`${owner?.type ?? name} ${property}`] ?? values[property];
  return value?.(owner === undefined ? name : physicalName(owner));
}
