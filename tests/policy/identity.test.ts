import { ruleSuite } from "./ruleSuite";
import { document, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const account = "123456789012";
const bucketArn = "arn:aws:s3:::models";

const rolePolicy = (...statements: readonly Props[]) =>
  subject("aws:iam/rolePolicy:RolePolicy", { policy: document(...statements) });
const role = (...statements: readonly Props[]) =>
  subject("aws:iam/role:Role", { assumeRolePolicy: document(...statements) });
const bucketPolicy = (...statements: readonly Props[]) =>
  subject("aws:s3/bucketPolicy:BucketPolicy", { policy: document(...statements) });
const permission = (props: Props) =>
  subject("aws:lambda/permission:Permission", { action: "lambda:InvokeFunction", ...props });

const read = { Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: `${bucketArn}/*` };
const reviewed = {
  exceptions: [{ document: "it", sid: "Reviewed", actions: ["s3:*"], reason: "A test." }],
};

ruleSuite("iam-no-wildcard-action", {
  passes: {
    "actions by name and by the beginning of their names": {
      of: rolePolicy({ ...read, Action: ["s3:GetObject", "s3:List*"] }),
    },
    "every way to read": {
      of: rolePolicy({ ...read, Action: ["ec2:Describe*", "dynamodb:BatchGet*", "sqs:get*"] }),
    },
    "all actions where they are denied": {
      of: rolePolicy({ ...read, Effect: "Deny", Action: "*" }),
    },
    "a reviewed statement": {
      of: rolePolicy({ ...read, Sid: "Reviewed", Action: "s3:*" }),
      config: reviewed,
    },
    "a role's own policies": {
      of: subject("aws:iam/role:Role", { inlinePolicies: [{ name: "a", policy: document(read) }] }),
    },
    "an attached policy's document": {
      of: subject("aws:iam/policy:Policy", { policy: document(read) }),
    },
    "a permission for one action": { of: permission({ principal: "events.amazonaws.com" }) },
  },
  fails: {
    "all actions": {
      of: rolePolicy({ ...read, Action: "*" }),
      says: [/the statement Read allows \*/],
    },
    "all actions of a service, also in a list": {
      of: rolePolicy({ ...read, Sid: undefined, Action: ["s3:GetObject", "s3:*"] }),
      says: [/the statement without a Sid allows s3:GetObject, s3:\*/],
    },
    "the same in two characters": {
      of: rolePolicy({ ...read, Action: "s3:**" }),
      says: [/s3:\*\*/],
    },
    "actions by a part of their names": {
      of: rolePolicy(
        ...["iam:*e*", "iam:Create*", "iam:Put*", "sts:Assume*", "ec2:*s", "s3:Ge*", "*:Get*"].map(
          (Action) => ({ ...read, Action }),
        ),
      ),
      says: [
        /allows iam:\*e\*/,
        /allows iam:Create\*/,
        /allows iam:Put\*/,
        /allows sts:Assume\*/,
        /allows ec2:\*s/,
        /allows s3:Ge\*/,
        /allows \*:Get\*/,
      ],
    },
    "an action by single characters": {
      of: rolePolicy({ ...read, Action: "iam:PassRol?" }),
      says: [/iam:PassRol\?/],
    },
    "one statement that is no list": {
      of: subject("aws:iam/userPolicy:UserPolicy", {
        policy: JSON.stringify({ Statement: { ...read, Action: "s3:*" } }),
      }),
      says: [/allows s3:\*/],
    },
    "all but some actions": {
      of: rolePolicy({ ...read, Action: undefined, NotAction: "iam:*" }),
      says: [/Read allows all but what it names/, /iam:\*/],
    },
    "all but some resources": {
      of: rolePolicy({ ...read, Resource: undefined, NotResource: bucketArn }),
      says: [/Read allows all but what it names/],
    },
    "a role's own policy": {
      of: subject("aws:iam/role:Role", {
        inlinePolicies: [
          { policy: document(read) },
          { policy: document({ ...read, Action: "*" }) },
        ],
      }),
      says: [/Read allows \*/],
    },
    "a queue's own policy": {
      of: subject("aws:sqs/queue:Queue", { policy: document({ ...read, Action: "sqs:*" }) }),
      says: [/sqs:\*/],
    },
    "a permission for all actions of Lambda": {
      of: permission({ action: "lambda:*", principal: account }),
      says: [/lambda:\*/],
    },
    "a reviewed statement with one more action": {
      of: rolePolicy({ ...read, Sid: "Reviewed", Action: ["s3:*", "ec2:*"] }),
      config: reviewed,
      says: [/ec2:\*/],
    },
    "a reviewed statement in another document": {
      of: subject(
        "aws:iam/rolePolicy:RolePolicy",
        { policy: document({ ...read, Sid: "Reviewed", Action: "s3:*" }) },
        { name: "other" },
      ),
      config: reviewed,
      says: [/Reviewed allows s3:\*/],
    },
    "a document that is not JSON": {
      of: subject("aws:iam/rolePolicy:RolePolicy", { policy: "{Statement: []}" }),
      says: [/not JSON/],
    },
  },
  unknown: {
    "a document that is not known": {
      of: subject("aws:iam/rolePolicy:RolePolicy", { policy: unknown }),
    },
    "a role's own policy that is not known": {
      of: subject("aws:iam/role:Role", { inlinePolicies: [{ policy: unknown }] }),
    },
    "an action that is not known": { of: rolePolicy({ ...read, Action: ["s3:Get*", unknown] }) },
    "a statement that is not known": {
      of: subject("aws:iam/policy:Policy", { policy: `{"Statement": ["${unknown}"]}` }),
    },
    "an effect that is not known": { of: rolePolicy({ ...read, Effect: unknown }) },
    "a permission's action that is not known": { of: permission({ action: unknown }) },
    "a document in which only a resource's ARN is not known": {
      of: rolePolicy({ ...read, Resource: "<output of models.arn>" }),
      comesOut: "passes",
    },
  },
});

const anyMachine = {
  Sid: "Stop",
  Effect: "Allow",
  Action: "ec2:StopInstances",
  Resource: `arn:aws:ec2:us-west-2:${account}:instance/*`,
};
const describing = { Sid: "Describe", Effect: "Allow", Action: "ec2:Describe*", Resource: "*" };

const invoke = {
  Effect: "Allow",
  Principal: "*",
  Action: "execute-api:Invoke",
  Resource: "execute-api:/prod/*",
};
const importedApi = (statement: Readonly<Record<string, unknown>>) =>
  subject("aws:apigateway/restApi:RestApi", {
    body: JSON.stringify({ "x-amazon-apigateway-policy": JSON.parse(document(statement)) }),
  });

ruleSuite("iam-no-wildcard-resource", {
  passes: {
    "resources by ARN, and by the beginning of their ARNs": {
      of: rolePolicy({ ...read, Resource: [bucketArn, `${bucketArn}/*`] }),
    },
    "all resources under a path or a name's beginning": {
      of: rolePolicy({
        ...read,
        Resource: [
          `arn:aws:iam::${account}:role/fleet/*`,
          `arn:aws:logs:us-west-2:${account}:log-group:/aws/fleet:*`,
          `arn:aws:secretsmanager:us-west-2:${account}:secret:fleet-*`,
          "arn:*:s3:::models/*",
          `arn:aws:sns:us-west-2:${account}:alarms:*`,
        ],
      }),
    },
    "all machines with a tag": {
      of: rolePolicy({
        ...anyMachine,
        Condition: { StringEquals: { "ec2:ResourceTag/cluster": "fleet" } },
      }),
    },
    "all network interfaces of some subnets": {
      of: rolePolicy(
        {
          ...anyMachine,
          Resource: `arn:aws:ec2:us-west-2:${account}:network-interface/*`,
          Condition: {
            ArnEquals: { "ec2:Subnet": `arn:aws:ec2:us-west-2:${account}:subnet/subnet-1` },
          },
        },
        {
          ...anyMachine,
          Resource: `arn:aws:ec2:us-west-2:${account}:subnet/*`,
          Condition: {
            StringEquals: { "ec2:SubnetID": ["<output of network.privateSubnetIds[0]>"] },
          },
        },
      ),
    },
    "all resources where they are denied": { of: rolePolicy({ ...describing, Effect: "Deny" }) },
    "all of an API in its own policy, which does not know its id yet": {
      of: importedApi({ ...invoke, Principal: { AWS: `arn:aws:iam::${account}:root` } }),
    },
    "`*` in a key's policy: it is the key": {
      of: subject("aws:kms/key:Key", { policy: document({ ...describing, Action: "kms:Sign" }) }),
    },
    "a reviewed statement that is narrowed as the review wants": {
      of: rolePolicy({
        ...describing,
        Condition: { StringEquals: { "aws:RequestedRegion": "x" } },
      }),
      config: {
        exceptions: [
          {
            document: "i*",
            actions: ["ec2:Describe*"],
            narrowedBy: ["aws:RequestedRegion"],
            reason: "A test.",
          },
        ],
      },
    },
  },
  fails: {
    "all resources": {
      of: rolePolicy(describing),
      says: [/the statement Describe allows ec2:Describe\* on \*/],
    },
    "all resources among others": {
      of: rolePolicy({ ...describing, Resource: [bucketArn, "*"] }),
      says: [/on arn:aws:s3:::models, \*/],
    },
    "all buckets": { of: rolePolicy({ ...read, Resource: "arn:aws:s3:::*" }), says: [/:::\*/] },
    "all objects of all buckets": {
      of: rolePolicy({ ...read, Resource: "arn:aws:s3:::*/*" }),
      says: [/:::\*\/\*/],
    },
    "all of a service": {
      of: rolePolicy({ ...read, Resource: `arn:aws:ec2:us-west-2:${account}:*` }),
      says: [/:\*/],
    },
    "all services": { of: rolePolicy({ ...read, Resource: "arn:aws:*" }), says: [/arn:aws:\*/] },
    "all ARNs": { of: rolePolicy({ ...read, Resource: "arn:*" }), says: [/on arn:\*/] },
    "a part of all services": {
      of: rolePolicy({ ...read, Resource: "arn:aws:s*:::models" }),
      says: [/arn:aws:s\*/],
    },
    "all of a type": {
      of: rolePolicy(
        ...[
          `secretsmanager:us-west-2:${account}:secret:*`,
          `iam::${account}:role/*`,
          `kms:us-west-2:${account}:key/*`,
          `ssm:us-west-2:${account}:parameter/*`,
          "dynamodb:*:*:table/*",
          "elasticloadbalancing:*:*:targetgroup/*/*",
          `iam::${account}:ro*`,
        ].map((resource) => ({ ...read, Resource: `arn:aws:${resource}` })),
        anyMachine,
      ),
      says: [
        /:secret:\*/,
        /:role\/\*/,
        /:key\/\*/,
        /:parameter\/\*/,
        /:table\/\*/,
        /:targetgroup\/\*\/\*/,
        /:ro\*/,
        /Stop allows ec2:StopInstances on .*:instance\/\*/,
      ],
    },
    "all machines with a tag of whatever value, or with a tag or none": {
      of: rolePolicy(
        { ...anyMachine, Condition: { StringLike: { "aws:ResourceTag/cluster": "*" } } },
        {
          ...anyMachine,
          Condition: { StringEqualsIfExists: { "aws:ResourceTag/cluster": "fleet" } },
        },
        { ...anyMachine, Condition: { StringEquals: { "aws:RequestedRegion": "us-west-2" } } },
      ),
      says: [/Stop allows/, /Stop allows/, /Stop allows/],
    },
    "all resources with a tag": {
      of: rolePolicy({
        ...describing,
        Condition: { StringEquals: { "aws:ResourceTag/cluster": "fleet" } },
      }),
      says: [/Describe allows/],
    },
    "a reviewed statement that is not narrowed": {
      of: rolePolicy(describing),
      config: {
        exceptions: [
          {
            document: "it",
            actions: ["ec2:Describe*"],
            narrowedBy: ["aws:RequestedRegion"],
            reason: "A test.",
          },
        ],
      },
      says: [/Describe allows/],
    },
  },
  unknown: {
    "a document that is not known": {
      of: subject("aws:iam/policy:Policy", { policy: unknown }),
    },
    "a resource that is not known, and may be all": {
      of: rolePolicy({ ...read, Resource: "<output of parameter.value>" }),
    },
    "all machines with a tag that is not known, and may be any": {
      of: rolePolicy({
        ...anyMachine,
        Condition: { StringLike: { "aws:ResourceTag/cluster": unknown } },
      }),
    },
    "what lies in a resource whose ARN is not known": {
      of: rolePolicy({ ...read, Resource: "<output of models.arn>/*" }),
      comesOut: "passes",
    },
    "an ARN that is not known: it is one resource's": {
      of: rolePolicy({ ...read, Resource: ["<output of models.arn>", "<output of it.roleArn>"] }),
      comesOut: "passes",
    },
  },
});

const attachment = (policyArn: string) =>
  subject("aws:iam/rolePolicyAttachment:RolePolicyAttachment", { policyArn });

ruleSuite("iam-no-broad-managed-policy", {
  passes: {
    "a policy for one purpose": {
      of: attachment("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"),
    },
    "a role with one": {
      of: subject("aws:iam/role:Role", {
        managedPolicyArns: ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"],
      }),
    },
    "a role with none": { of: subject("aws:iam/role:Role") },
  },
  fails: {
    "an administrator": {
      of: attachment("arn:aws:iam::aws:policy/AdministratorAccess"),
      says: [/attaches arn:aws:iam::aws:policy\/AdministratorAccess/],
    },
    "a power user": {
      of: subject("aws:iam/userPolicyAttachment:UserPolicyAttachment", {
        policyArn: "arn:aws:iam::aws:policy/PowerUserAccess",
      }),
      says: [/PowerUserAccess/],
    },
    "an administrator of everything in one trade": {
      of: subject("aws:iam/role:Role", {
        managedPolicyArns: ["System", "Database", "Network"].map(
          (trade) => `arn:aws:iam::aws:policy/job-function/${trade}Administrator`,
        ),
      }),
      says: [/SystemAdministrator/, /DatabaseAdministrator/, /NetworkAdministrator/],
    },
    "full access to a service, in each of the ways that AWS writes it": {
      of: subject("aws:iam/role:Role", {
        managedPolicyArns: [
          "arn:aws:iam::aws:policy/AmazonS3FullAccess",
          "arn:aws:iam::aws:policy/AWSLambda_FullAccess",
          "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
          "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess_v2",
        ],
      }),
      says: [/AmazonS3FullAccess/, /AWSLambda_FullAccess/, /AmazonDynamoDBFullAccess_v2/],
    },
  },
  unknown: {
    "a policy that is not known": { of: attachment(unknown) },
    "a role's policy that is not known": {
      of: subject("aws:iam/role:Role", { managedPolicyArns: [unknown] }),
    },
  },
});

const trust = {
  Effect: "Allow",
  Principal: { Service: "scheduler.amazonaws.com" },
  Action: "sts:AssumeRole",
};
const bound = { StringEquals: { "aws:SourceAccount": account } };
const forAnyAccount = [/lets scheduler\.amazonaws\.com in for any account/];

ruleSuite("iam-service-trust-bound-to-account", {
  passes: {
    "a service for this account": { of: role({ ...trust, Condition: bound }) },
    "a service for a resource of this account": {
      of: role({
        ...trust,
        Condition: { ArnLike: { "AWS:SourceArn": `arn:aws:scheduler:*:${account}:schedule/*` } },
      }),
    },
    "a bucket's policy for a bucket by name, whose ARN has no account": {
      of: bucketPolicy({
        ...read,
        Principal: { Service: "logging.s3.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": "arn:aws:s3:::pictures" } },
      }),
    },
    "a role that is no service's": {
      of: role({ ...trust, Principal: { AWS: `arn:aws:iam::${account}:root` } }),
    },
    "a service that presents no source": {
      of: role(trust),
      config: {
        servicesWithoutSource: [{ service: "scheduler.amazonaws.com", reason: "A test." }],
      },
    },
    "a permission for this account": {
      of: permission({ principal: "s3.amazonaws.com", sourceAccount: account }),
    },
    "a service that is denied": { of: role({ ...trust, Effect: "Deny" }) },
  },
  fails: {
    "a service for anybody": { of: role(trust), says: forAnyAccount },
    "one service of two": {
      of: role({ ...trust, Principal: { Service: ["a.amazonaws.com"] }, Condition: bound }, trust),
      says: forAnyAccount,
    },
    "a service with the source's account left open": {
      of: role({
        ...trust,
        Condition: { ArnLike: { "aws:SourceArn": "arn:aws:scheduler:us-west-2:*:schedule/*" } },
      }),
      says: forAnyAccount,
    },
    "a service with any account": {
      of: role({ ...trust, Condition: { StringLike: { "aws:SourceAccount": "*" } } }),
      says: forAnyAccount,
    },
    "a service with any bucket": {
      of: role({ ...trust, Condition: { ArnLike: { "aws:SourceArn": "arn:aws:s3:::*" } } }),
      says: forAnyAccount,
    },
    "conditions that hold where there is no source": {
      of: role(
        { ...trust, Condition: { StringEqualsIfExists: { "aws:SourceAccount": account } } },
        { ...trust, Condition: { Null: { "aws:SourceAccount": "true" } } },
        {
          ...trust,
          Condition: { "ForAllValues:StringEquals": { "aws:SourceAccount": account } },
        },
      ),
      says: [...forAnyAccount, ...forAnyAccount, ...forAnyAccount],
    },
    "a condition that excludes one account": {
      of: role({ ...trust, Condition: { StringNotEquals: { "aws:SourceAccount": account } } }),
      says: forAnyAccount,
    },
    "a permission for any account": {
      of: permission({ principal: "s3.amazonaws.com" }),
      says: [/lets s3\.amazonaws\.com in/],
    },
  },
  unknown: {
    "a trust policy that is not known": {
      of: subject("aws:iam/role:Role", { assumeRolePolicy: unknown }),
    },
    "a principal that is not known": { of: role({ ...trust, Principal: unknown }) },
    "a service that is not known": { of: role({ ...trust, Principal: { Service: [unknown] } }) },
    "a permission's principal that is not known": { of: permission({ principal: unknown }) },
    "an account that is not known, and is one": {
      of: role({
        ...trust,
        Condition: { StringEquals: { "aws:SourceAccount": "<output of caller.accountId>" } },
      }),
      comesOut: "passes",
    },
    "a condition's account that is not known, and may be any": {
      of: role({ ...trust, Condition: { StringEquals: { "aws:SourceAccount": unknown } } }),
    },
    "one of a condition's accounts": {
      of: role({
        ...trust,
        Condition: { StringEquals: { "aws:SourceAccount": [account, unknown] } },
      }),
    },
    "the account in a source's ARN": {
      of: role({
        ...trust,
        Condition: { ArnLike: { "aws:SourceArn": `arn:aws:events:us-west-2:${unknown}:rule/*` } },
      }),
    },
    "a condition that is not known": { of: role({ ...trust, Condition: unknown }) },
    "a condition of which only the operator is known": {
      of: role({ ...trust, Condition: { StringEquals: unknown } }),
    },
    "an account that is not known beside a source that is: one of them is enough": {
      of: role({
        ...trust,
        Condition: {
          StringEquals: { "aws:SourceAccount": unknown },
          ArnEquals: { "aws:SourceArn": "<output of schedule.arn>" },
        },
      }),
      comesOut: "passes",
    },
    "an account that is not known, or any: any is enough": {
      of: role({ ...trust, Condition: { StringLike: { "aws:SourceAccount": [unknown, "*"] } } }),
      comesOut: "refused",
    },
    "a condition that is not known, on something else": {
      of: role({ ...trust, Condition: { StringEquals: { "aws:RequestedRegion": unknown } } }),
      comesOut: "refused",
    },
    "a permission for an account that is not known, and is one": {
      of: permission({ principal: "s3.amazonaws.com", sourceAccount: unknown }),
      comesOut: "passes",
    },
  },
});

const everybody = { ...read, Principal: "*" };
const toEverybody = [/the statement Read allows s3:GetObject to everybody/];

ruleSuite("iam-no-public-principal", {
  passes: {
    "one role": {
      of: bucketPolicy({ ...read, Principal: { AWS: `arn:aws:iam::${account}:role/reader` } }),
    },
    "everybody of an organisation": {
      of: bucketPolicy({
        ...everybody,
        Condition: { StringEquals: { "aws:PrincipalOrgID": "o-0123456789" } },
      }),
    },
    "everybody who is denied": { of: bucketPolicy({ ...everybody, Effect: "Deny" }) },
    "everybody of a network, in the document that an API is made from": {
      of: importedApi({
        ...invoke,
        Condition: { IpAddress: { "aws:SourceIp": ["203.0.113.0/24"] } },
      }),
    },
    "an API without a policy": { of: subject("aws:apigateway/restApi:RestApi", { body: "{}" }) },
    "everybody of an account, in a key's policy": {
      of: subject("aws:kms/key:Key", {
        policy: document({
          ...everybody,
          Action: "kms:Decrypt",
          Condition: { StringEquals: { "kms:CallerAccount": account } },
        }),
      }),
    },
    "a key without a policy of its own": { of: subject("aws:kms/key:Key") },
  },
  fails: {
    everybody: { of: bucketPolicy(everybody), says: toEverybody },
    "every account": {
      of: bucketPolicy({ ...everybody, Principal: { AWS: ["*"] } }),
      says: toEverybody,
    },
    "everybody but one": {
      of: bucketPolicy({
        ...read,
        NotPrincipal: { AWS: `arn:aws:iam::${account}:role/reader` },
      }),
      says: toEverybody,
    },
    "a role for everybody": {
      of: role({ ...trust, Sid: "Trust", Principal: { AWS: "*" } }),
      says: [/the statement Trust allows sts:AssumeRole to everybody/],
    },
    "everybody in the document that an API is made from": {
      of: importedApi(invoke),
      says: [/allows execute-api:Invoke to everybody/],
    },
    "everybody of any network": {
      of: importedApi({
        ...invoke,
        Condition: { IpAddress: { "aws:SourceIp": ["203.0.113.0/24", "::/0"] } },
      }),
      says: [/allows execute-api:Invoke to everybody/],
    },
    "everybody in a queue's own policy": {
      of: subject("aws:sqs/queue:Queue", { policy: document(everybody) }),
      says: toEverybody,
    },
    "everybody from any ARN": {
      of: bucketPolicy({ ...everybody, Condition: { ArnLike: { "aws:PrincipalArn": "*" } } }),
      says: toEverybody,
    },
    "a role of any account": {
      of: bucketPolicy({
        ...everybody,
        Condition: { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/reader" } },
      }),
      says: toEverybody,
    },
    "everybody who calls a function": {
      of: permission({ principal: "*", functionUrlAuthType: "NONE" }),
      says: [/to everybody/],
    },
  },
  unknown: {
    "a resource's policy that is not known": {
      of: subject("aws:sqs/queuePolicy:QueuePolicy", { policy: unknown }),
    },
    "a trust policy that is not known": {
      of: subject("aws:iam/role:Role", { assumeRolePolicy: unknown }),
    },
    "a principal that is not known": { of: bucketPolicy({ ...read, Principal: unknown }) },
    "an account that is not known, and may be any": {
      of: bucketPolicy({ ...read, Principal: { AWS: unknown } }),
    },
    "everybody of an organisation that is not known, and may be any": {
      of: bucketPolicy({
        ...everybody,
        Condition: { StringLike: { "aws:PrincipalOrgID": unknown } },
      }),
    },
    "a role's ARN that is not known: it is one role's": {
      of: bucketPolicy({ ...read, Principal: { AWS: "<output of reader.arn>" } }),
      comesOut: "passes",
    },
  },
});

const pass = {
  Effect: "Allow",
  Action: "iam:PassRole",
  Resource: `arn:aws:iam::${account}:role/fleet-node`,
  Condition: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
};

ruleSuite("iam-pass-role-narrowed", {
  passes: {
    "one role for one service": { of: rolePolicy(pass) },
    "a policy without it": { of: rolePolicy(read) },
    "any role where it is denied": {
      of: rolePolicy({ ...pass, Effect: "Deny", Resource: "*", Condition: undefined }),
    },
  },
  fails: {
    "any role": {
      of: rolePolicy({ ...pass, Resource: "*" }),
      says: [/iam:PassRole is allowed on \*/],
    },
    "any role of the account": {
      of: rolePolicy({ ...pass, Resource: `arn:aws:iam::${account}:role/*` }),
      says: [/is allowed on arn:aws:iam::123456789012:role\/\*/],
    },
    "anything of the account": {
      of: rolePolicy({ ...pass, Resource: `arn:aws:iam::${account}:*` }),
      says: [/is allowed on arn:aws:iam::123456789012:\*/],
    },
    "any service": {
      of: rolePolicy({ ...pass, Condition: undefined }),
      says: [/iam:PassRole is allowed to any service/],
    },
    "it by a pattern, in a role's own policy": {
      of: subject("aws:iam/role:Role", {
        inlinePolicies: [
          { policy: document({ ...pass, Action: ["IAM:pass*"], Condition: undefined }) },
        ],
      }),
      says: [/to any service/],
    },
    "it by a pattern of single characters": {
      of: rolePolicy({ ...pass, Action: "iam:PassRol?", Condition: undefined }),
      says: [/to any service/],
    },
  },
  unknown: {
    "a document that is not known": {
      of: subject("aws:iam/policy:Policy", { policy: unknown }),
    },
    "a role that is not known, and may be any": { of: rolePolicy({ ...pass, Resource: unknown }) },
    "a service that is not known, and may be any": {
      of: rolePolicy({
        ...pass,
        Condition: { StringLike: { "iam:PassedToService": unknown } },
      }),
    },
    "a role's ARN that is not known: it is one role's": {
      of: rolePolicy({ ...pass, Resource: "<output of node.arn>" }),
      comesOut: "passes",
    },
  },
});

ruleSuite("iam-no-long-lived-keys", {
  // There is no good one: what the rule looks at is what must not be there.
  passes: {},
  fails: {
    "a user": { of: subject("aws:iam/user:User"), says: [/makes an IAM user/] },
    "an access key": {
      of: subject("aws:iam/accessKey:AccessKey", { user: "ci" }),
      says: [/makes credentials of an IAM user/],
    },
    "a password": {
      of: subject("aws:iam/userLoginProfile:UserLoginProfile", { user: "ci" }),
      says: [/makes credentials of an IAM user/],
    },
  },
  unknown: {
    "an access key of a user that is not known: whoever it is": {
      of: subject("aws:iam/accessKey:AccessKey", { user: unknown }),
      comesOut: "refused",
    },
  },
});
