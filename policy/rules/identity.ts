import { z } from "zod";
import { isNarrowedBy, type Statement, statementsOf } from "../iamDocument";
import { listed } from "../listed";
import { matches } from "../pattern";
import { isSet, type Resource } from "../resource";
import type { Area } from "../rule";
import { resourceRule } from "../rule";
import { rbacLeastPrivilege } from "./rbac";

/** Policies of principals: what a role, user or group may do. */
const identityPolicies = [
  "aws:iam/policy:Policy",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/userPolicy:UserPolicy",
  "aws:iam/groupPolicy:GroupPolicy",
  "aws:iam/role:Role",
] as const;

/** Policies of resources: who may come in. */
const resourcePolicies = [
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:sqs/queuePolicy:QueuePolicy",
  "aws:sqs/queue:Queue",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topic:Topic",
  "aws:kms/key:Key",
  "aws:kms/keyPolicy:KeyPolicy",
  "aws:ecr/repositoryPolicy:RepositoryPolicy",
  "aws:secretsmanager/secretPolicy:SecretPolicy",
  "aws:lambda/permission:Permission",
  "aws:apigateway/restApi:RestApi",
  "aws:apigateway/restApiPolicy:RestApiPolicy",
] as const;

/** In the policy of a key `*` is the key. */
const keyPolicies: readonly string[] = ["aws:kms/key:Key", "aws:kms/keyPolicy:KeyPolicy"];

/** In the policy of an API this is the API, whose id it does not know yet. */
const ownApi = /^execute-api:\//;

const exceptions = z
  .array(
    z.strictObject({
      document: z.string().describe("The resource's name; `*` stands for any text."),
      sid: z.string().optional().describe("The statement's Sid; absent: every statement."),
      actions: z.array(z.string()).min(1).describe("What it may allow so; `*` as in IAM."),
      narrowedBy: z
        .array(z.string())
        .default([])
        .describe("Condition keys that have to narrow the statement."),
      reason: z.string().min(1).describe("Why this is right."),
    }),
  )
  .default([])
  .describe("Reviewed statements that may.");

type Exceptions = z.output<typeof exceptions>;

function isReviewed(resource: Resource, statement: Statement, reviewed: Exceptions) {
  return reviewed.some(
    ({ document, sid, actions, narrowedBy }) =>
      matches(document, resource.name) &&
      (sid === undefined || sid === statement.sid) &&
      statement.actions.every((action) => actions.some((it) => matches(it, action))) &&
      narrowedBy.every((key) => isNarrowedBy(statement, key)),
  );
}

/** The statements that a principal's policy consists of. */
function identityStatements({ type, props }: Resource): readonly Statement[] {
  if (type !== "aws:iam/role:Role")
    return isSet(props, "policy") ? statementsOf(props.policy, "policy") : [];
  if (!isSet(props, "inlinePolicies")) return [];
  return listed<{ policy?: string }>(props.inlinePolicies).flatMap((inline, index) =>
    isSet(inline, "policy") ? statementsOf(inline.policy, `inlinePolicies.${index}.policy`) : [],
  );
}

function policyStatements(resource: Resource): readonly Statement[] {
  const { type, props } = resource;
  if (type === "aws:lambda/permission:Permission") return [permissionStatement(props)];
  if ((identityPolicies as readonly string[]).includes(type)) return identityStatements(resource);
  return [
    ...(isSet(props, "policy") ? statementsOf(props.policy, "policy") : []),
    ...(type === "aws:apigateway/restApi:RestApi" ? importedStatements(props) : []),
  ];
}

/** An API's policy may come with the document that it is made from. */
// biome-ignore lint/suspicious/noExplicitAny: a resource's own properties
function importedStatements(props: any): readonly Statement[] {
  if (!isSet(props, "body")) return [];
  const policy = JSON.parse(props.body)?.["x-amazon-apigateway-policy"];
  return policy === undefined ? [] : statementsOf(policy, "body.x-amazon-apigateway-policy");
}

/** A Lambda permission is a statement of the function's policy, written as properties. */
// biome-ignore lint/suspicious/noExplicitAny: a resource's own properties
function permissionStatement(props: any): Statement {
  const conditions = Object.entries({
    "aws:sourceaccount": "sourceAccount",
    "aws:sourcearn": "sourceArn",
    "aws:principalorgid": "principalOrgId",
  }).flatMap(([key, property]): [string, readonly string[]][] =>
    isSet(props, property) ? [[key, ["set"]]] : [],
  );
  return {
    sid: undefined,
    effect: "Allow",
    actions: [String(props.action)],
    inverted: false,
    resources: [],
    principal:
      props.principal === "*"
        ? "*"
        : { [/\.amazonaws\.com/.test(props.principal) ? "Service" : "AWS"]: [props.principal] },
    conditions: new Map([["stringequals", new Map(conditions)]]),
  };
}

function called({ sid, actions }: Statement): string {
  return `the statement ${sid ?? "without a Sid"} allows ${actions.join(", ")}`;
}

/** Whether an action is a pattern, and more than a way to read. */
function isWideAction(action: string): boolean {
  return /[*?]/.test(action) && !/^[\w-]+:(BatchGet|Describe|Get|List)/i.test(action);
}

const noWildcardAction = resourceRule({
  name: "iam-no-wildcard-action",
  level: "mandatory",
  protectsFrom:
    "A role that may do everything, or everything of a service: whoever gets into its pod or machine may too.",
  remedy:
    "List the actions that are used; `*` may stand for those that only read, as in `s3:Get*`.",
  types: [...identityPolicies, ...resourcePolicies],
  config: { exceptions },
  check: (resource, report, config) => {
    for (const statement of policyStatements(resource)) {
      if (statement.effect !== "Allow") continue;
      if (statement.inverted && statement.actions.length > 0)
        report(`the statement ${statement.sid ?? "without a Sid"} allows all but what it names`);
      if (
        statement.actions.some(isWideAction) &&
        !isReviewed(resource, statement, config.exceptions)
      )
        report(called(statement));
    }
  },
});

/** What stands in an ARN behind the account; undefined where a pattern ends before that. */
function resourceIn(arn: string): { readonly service: string; readonly name: string } | undefined {
  const [, , service = "", , , ...name] = arn.split(":");
  return name.length === 0 ? undefined : { service, name: name.join(":") };
}

/** Whether a pattern is everything, or everything of a service: `*`, `arn:aws:*`, `arn:aws:s3:::*`. */
function isAnything(arn: string): boolean {
  const resource = resourceIn(arn);
  // A text that begins with an output is that resource's, or in it.
  if (resource === undefined) return /^[^<]*[*?]/.test(arn);
  return /[*?]/.test(resource.service) || /^[*?][*?/:]*$/.test(resource.name);
}

/** Services whose ARNs have a resource's name where those of others have its type. */
const withoutTypes: readonly string[] = ["execute-api", "s3", "sns", "sqs"];

/** Whether a pattern is everything of a type: `…:role/*`, `…:secret:*`, `…:ro*`. */
function isAnyOfItsType(arn: string): boolean {
  const resource = resourceIn(arn);
  return (
    resource !== undefined &&
    !withoutTypes.includes(resource.service) &&
    /^[\w-]+[/:]?[*?][*?/:]*$/.test(resource.name)
  );
}

/** Conditions that choose some of a type's resources; `*` stands for any text. */
const resourceConditions = [
  "*:ResourceTag/*",
  "aws:RequestTag/*",
  "ec2:CreateAction",
  "ec2:LaunchTemplate",
  "ec2:Subnet",
  "ec2:SubnetID",
  "ec2:Vpc",
];

const noWildcardResource = resourceRule({
  name: "iam-no-wildcard-resource",
  level: "mandatory",
  protectsFrom:
    "A role that may act on every resource of the account: another team's, another environment's.",
  remedy:
    "Name the resources by ARN, or choose them by a condition on their tags. Where an action takes none, enter the statement with its reason among the exceptions in policy/config.json.",
  types: [...identityPolicies, ...resourcePolicies],
  config: { exceptions },
  check: (resource, report, config) => {
    if (keyPolicies.includes(resource.type)) return;
    for (const statement of policyStatements(resource)) {
      const { effect, resources } = statement;
      if (effect !== "Allow" || isReviewed(resource, statement, config.exceptions)) continue;
      if (
        resources.some((arn) => isAnything(arn) && !ownApi.test(arn)) ||
        (resources.some(isAnyOfItsType) && !isNarrowedBy(statement, ...resourceConditions))
      )
        report(`${called(statement)} on ${resources.join(", ")}`);
    }
  },
});

const noBroadManagedPolicy = resourceRule({
  name: "iam-no-broad-managed-policy",
  level: "mandatory",
  protectsFrom:
    "AWS's own policies that give everything: AdministratorAccess, PowerUserAccess, every *Administrator and every *FullAccess.",
  remedy: "Write a policy with the actions and resources that are used.",
  types: [
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/role:Role",
  ],
  check: ({ type, props }, report) => {
    const arns: readonly string[] =
      type === "aws:iam/role:Role"
        ? isSet(props, "managedPolicyArns")
          ? listed(props.managedPolicyArns)
          : []
        : isSet(props, "policyArn")
          ? [props.policyArn]
          : [];
    for (const arn of arns)
      if (/(Administrator|PowerUserAccess)$|AdministratorAccess|FullAccess/i.test(arn))
        report(`attaches ${arn}`);
  },
});

/** What says who may come in: a role's trust, or the policy of another resource. */
function admittingStatements(resource: Resource): readonly Statement[] {
  return resource.type === "aws:iam/role:Role"
    ? statementsOf(resource.props.assumeRolePolicy, "assumeRolePolicy")
    : policyStatements(resource);
}

const trustBoundToAccount = resourceRule({
  name: "iam-service-trust-bound-to-account",
  level: "mandatory",
  protectsFrom:
    "The confused deputy: a service that acts for somebody else's account takes on the role of ours, or writes to our resource.",
  remedy:
    "Add the condition aws:SourceAccount, aws:SourceArn or aws:SourceOrgID to the statement that lets the service in.",
  types: ["aws:iam/role:Role", ...resourcePolicies],
  config: {
    servicesWithoutSource: z
      .array(z.strictObject({ service: z.string(), reason: z.string().min(1) }))
      .default([])
      .describe("Services that present no source when they come, and why."),
  },
  check: (resource, report, { servicesWithoutSource }) => {
    for (const statement of admittingStatements(resource)) {
      const { effect, principal } = statement;
      if (effect !== "Allow" || principal === undefined || principal === "*") continue;
      if (
        isNarrowedBy(
          statement,
          "aws:SourceAccount",
          "aws:SourceArn",
          "aws:SourceOrgID",
          "aws:SourceOrgPaths",
        )
      )
        continue;
      for (const service of principal.Service ?? [])
        if (!servicesWithoutSource.some((known) => known.service === service))
          report(`lets ${service} in for any account`);
    }
  },
});

const noPublicPrincipal = resourceRule({
  name: "iam-no-public-principal",
  level: "mandatory",
  protectsFrom: "A role, bucket, queue, topic, API or key that everybody on the internet may use.",
  remedy:
    "Name the principals, or narrow the statement by account, organisation, VPC, network or source ARN.",
  types: ["aws:iam/role:Role", ...resourcePolicies],
  check: (resource, report) => {
    for (const statement of admittingStatements(resource)) {
      if (statement.effect !== "Allow") continue;
      const narrowed = isNarrowedBy(
        statement,
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIp",
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "kms:CallerAccount",
      );
      if (statement.principal === "*" && !narrowed) report(`${called(statement)} to everybody`);
    }
  },
});

const passRoleNarrowed = resourceRule({
  name: "iam-pass-role-narrowed",
  level: "mandatory",
  protectsFrom:
    "Privileges by a detour: who may hand any role to a service may do what that role may.",
  remedy: "Name the roles, and the service by the condition iam:PassedToService.",
  types: identityPolicies,
  check: (resource, report) => {
    for (const statement of identityStatements(resource)) {
      const { effect, actions, resources } = statement;
      if (effect !== "Allow" || !actions.some((action) => matches(action, "iam:PassRole")))
        continue;
      if (resources.some((arn) => /(^|:|:role\/)[*?]+$/.test(arn)))
        report(`iam:PassRole is allowed on ${resources.join(", ")}`);
      if (!isNarrowedBy(statement, "iam:PassedToService"))
        report("iam:PassRole is allowed to any service");
    }
  },
});

const noLongLivedKeys = resourceRule({
  name: "iam-no-long-lived-keys",
  level: "mandatory",
  protectsFrom: "Access keys that never expire and leak with a log line.",
  remedy: "Use EKS Pod Identity in pods, instance profiles on machines, OIDC in CI.",
  types: [
    "aws:iam/user:User",
    "aws:iam/accessKey:AccessKey",
    "aws:iam/userLoginProfile:UserLoginProfile",
  ],
  check: ({ type }, report) =>
    report(`makes ${type.endsWith("User") ? "an IAM user" : "credentials of an IAM user"}`),
});

export const identity: Area = {
  title: "Identity and access",
  rules: [
    noWildcardAction,
    noWildcardResource,
    noBroadManagedPolicy,
    trustBoundToAccount,
    noPublicPrincipal,
    passRoleNarrowed,
    noLongLivedKeys,
    rbacLeastPrivilege,
  ],
};
