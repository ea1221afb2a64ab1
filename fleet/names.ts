/**
 * Physical names: what an object is called in AWS or Kubernetes, within that service's limits, and
 * never the same for two stacks of one account.
 */

// The most characters of a name, by what is named.

/** An IAM role. Source: IAM user guide, "IAM and AWS STS quotas". */
export const iamRoleName = 64;

/**
 * An IAM role's prefix: 64 less the 26 characters that the AWS provider appends.
 *
 * Source: terraform-provider-aws, aws_iam_role, name_prefix.
 */
export const iamRoleNamePrefix = 38;

/**
 * An S3 bucket's prefix, likewise.
 *
 * Source: @pulumi/aws 7.48, `BucketArgs.bucketPrefix`: "less than or equal to 37 characters".
 */
export const s3BucketPrefix = 37;

/**
 * An SQS queue, `.fifo` included.
 *
 * Source: Amazon SQS developer guide, "Amazon SQS standard queue quotas".
 */
export const sqsQueueName = 80;

/** An SNS topic. Source: Amazon SNS API reference, CreateTopic. */
export const snsTopicName = 256;

/** An EventBridge rule. Source: Amazon EventBridge API reference, PutRule. */
export const eventRuleName = 64;

/**
 * An EventBridge rule's prefix.
 *
 * Source: @pulumi/aws 7.48, `EventRuleArgs.namePrefix`: "must be 38 characters or less".
 */
export const eventRuleNamePrefix = 38;

/** An EKS cluster. Source: Amazon EKS API reference, CreateCluster. */
export const eksClusterName = 100;

/**
 * A load balancer.
 *
 * Source: @pulumi/aws 7.48, `LoadBalancerArgs.name`: "a maximum of 32 characters".
 */
export const loadBalancerName = 32;

/** An ECR repository. Source: Amazon ECR API reference, CreateRepository. */
export const ecrRepository = 256;

/** A CodeBuild project. Source: AWS CodeBuild API reference, CreateProject. */
export const codeBuildProject = 150;

/** A Systems Manager document. Source: AWS Systems Manager API reference, CreateDocument. */
export const ssmDocument = 128;

/** A KMS alias, `alias/` included. Source: AWS KMS API reference, CreateAlias. */
export const kmsAlias = 256;

/** A CloudWatch log group. Source: Amazon CloudWatch Logs API reference, CreateLogGroup. */
export const logGroup = 512;

/** A CloudWatch alarm. Source: Amazon CloudWatch API reference, PutMetricAlarm. */
export const cloudWatchAlarm = 255;

/**
 * A Kubernetes namespace, a label's value, one part of a host name.
 *
 * Source: RFC 1123; Kubernetes, "Object Names and IDs".
 */
export const dns1123Label = 63;

/** An EKS node group's prefix: 63 (EKS API reference, CreateNodegroup) less the provider's 26. */
export const nodeGroupNamePrefix = 37;

/** A launch template. Source: Amazon EC2 API reference, CreateLaunchTemplate. */
export const launchTemplateName = 128;

/** An EventBridge schedule. Source: Amazon EventBridge Scheduler API reference, CreateSchedule. */
export const scheduleName = 64;

/** A CloudWatch dashboard. Source: Amazon CloudWatch API reference, PutDashboard. */
export const dashboardName = 255;

/** A budget. Source: AWS Billing and Cost Management API reference, Budget. */
export const budgetName = 100;

/** An SSM parameter, its path included. Source: AWS Systems Manager API reference, PutParameter. */
export const ssmParameter = 1011;

/** A DynamoDB table. Source: Amazon DynamoDB API reference, CreateTable. */
export const dynamoDbTable = 255;

/** A Lambda function. Source: AWS Lambda API reference, CreateFunction. */
export const lambdaFunction = 64;

/**
 * A REST API, its usage plan and key: the API's name is a dimension of its metrics.
 *
 * Source: Amazon API Gateway developer guide, "Amazon API Gateway important notes".
 */
export const restApi = 255;

/**
 * A SageMaker endpoint; an inference component and a model may be as long.
 *
 * Source: Amazon SageMaker API reference, CreateEndpoint, CreateInferenceComponent, CreateModel.
 */
export const sagemakerEndpoint = 63;

/** A SageMaker endpoint configuration's prefix: 63 less the 26 characters that the AWS provider appends. */
export const sagemakerEndpointConfigurationPrefix = 37;

/** Characters of the hash that tells shortened or changed names apart: 40 bits, base 32. */
const hashLength = 8;

/**
 * The parts joined by "-", as a name that AWS and Kubernetes accept everywhere: lower-case letters,
 * digits and hyphens, a letter or digit at both ends, no longer than `limit`.
 *
 * Parts that are already so, and together fit, come out as they are. When anything has to change
 * (case, another character, length) the name ends in "-" and 8 characters of hash over the parts as
 * given, so that `Dev` and `dev`, `a_b` and `a-b`, or two long stacks with the same beginning stay
 * apart. When it is too long, the longest part gives way first. The same parts give the same name
 * on every machine, for good: renaming replaces resources.
 *
 * Names are 40 bits apart, so a collision among a thousand stacks is a one in two million chance.
 * What parts alone cannot tell is where one ends: ("a-b", "c") and ("a", "b-c") are both `a-b-c`.
 * So, after a stack's name, do not call one purpose `agent` and another `queue-agent`: stack
 * `dev-queue` and stack `dev` would meet.
 *
 * @param parts for instance project, stack and purpose; empty ones are left out
 * @param limit the most characters, such as {@link iamRoleName}; at least 10
 * @throws RangeError when no part has a character in it, or the limit is below 10.
 */
export function physicalName(parts: readonly string[], limit: number): string {
  if (!Number.isInteger(limit) || limit < hashLength + 2) {
    throw new RangeError(`A name needs a limit of at least ${hashLength + 2}, not ${limit}.`);
  }
  const given = parts.filter((part) => part !== "");
  if (given.length === 0) throw new RangeError("A name needs at least one part.");

  const plain = given.join("-");
  if (plain.length <= limit && isName(plain)) return plain;

  const hash = hash40(given.join("\u0000"));
  const sanitised = given.map(sanitise).filter((part) => part !== "");
  const room = limit - hashLength - 1;
  const kept = shorten(sanitised, room)
    .map(sanitise)
    .filter((part) => part !== "");
  return [...kept, hash].join("-");
}

/** Whether `name` is a DNS-1123 label but for its length, without two hyphens in a row. */
function isName(name: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name);
}

function sanitise(part: string): string {
  return part
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** The parts cut so that they fit in `room` with hyphens between: the longest ones give way. */
function shorten(parts: readonly string[], room: number): string[] {
  // More parts than there is room for one character of each: the last ones go.
  const kept = parts.slice(0, Math.floor((room + 1) / 2));
  const letters = room - (kept.length - 1);
  const used = (cap: number) => kept.reduce((sum, part) => sum + Math.min(part.length, cap), 0);
  let cap = Math.max(0, ...kept.map((part) => part.length));
  while (used(cap) > letters) cap -= 1;
  let spare = letters - used(cap);
  return kept.map((part) => {
    const more = part.length > cap && spare > 0 ? 1 : 0;
    spare -= more;
    return part.slice(0, cap + more);
  });
}

/**
 * 40 bits of FNV-1a (64 bits wide, folded) over UTF-16 code units, in base 32. Not for secrets:
 * only to tell names apart, and the same on every machine without a dependency.
 *
 * Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm".
 */
function hash40(text: string): string {
  const mask = 0xffffffffffffffffn;
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    for (const byte of [unit & 0xff, unit >> 8]) {
      hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & mask;
    }
  }
  // The document's own advice for narrower hashes: fold the high bits into the low ones.
  const folded = (hash >> 40n) ^ (hash & 0xffffffffffn);
  return folded.toString(32).padStart(hashLength, "0");
}
