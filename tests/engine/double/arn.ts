import { account } from "./account";
import type { Identity } from "./identity";

/** ARNs that do not end in the type and the id; `*` stands for region and account. */
const PATTERNS: Readonly<Record<string, (identity: Identity) => string>> = {
  "aws:apigateway/stage:Stage": ({ id }) => `apigateway:${account.region}::/restapis/${id}`,
  "aws:cloudwatch/eventRule:EventRule": ({ name }) => `events:*:rule/${name}`,
  "aws:cloudwatch/logGroup:LogGroup": ({ name }) => `logs:*:log-group:${name}`,
  "aws:cloudwatch/metricAlarm:MetricAlarm": ({ name }) => `cloudwatch:*:alarm:${name}`,
  "aws:dynamodb/table:Table": ({ name }) => `dynamodb:*:table/${name}`,
  "aws:ec2/launchTemplate:LaunchTemplate": ({ id }) => `ec2:*:launch-template/${id}`,
  "aws:iam/instanceProfile:InstanceProfile": ({ name }) =>
    `iam::${account.id}:instance-profile/${name}`,
  "aws:iam/role:Role": ({ name }) => `iam::${account.id}:role/${name}`,
  "aws:lambda/function:Function": ({ name }) => `lambda:*:function:${name}`,
  "aws:s3/bucket:Bucket": ({ name }) => `s3:::${name}`,
  "aws:sns/topic:Topic": ({ name }) => `sns:*:${name}`,
  "aws:sqs/queue:Queue": ({ name }) => `sqs:*:${name}`,
  "aws:ssm/document:Document": ({ name }) => `ssm:*:automation-definition/${name}`,
  "aws:ssm/parameter:Parameter": ({ name }) => `ssm:*:parameter${name}`,
};

/** The ARN of an object, in the shape that its service gives it. */
export function arnOf(type: string, identity: Identity): string {
  const [, service, kind] = /^aws:(\w+)\/(\w+):/.exec(type) ?? [];
  const resource =
    PATTERNS[type]?.(identity) ?? `${service}:*:${kind?.toLowerCase()}/${identity.id}`;
  return `arn:aws:${resource.replace("*", `${account.region}:${account.id}`)}`;
}
