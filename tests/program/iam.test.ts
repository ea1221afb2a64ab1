import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { readStackConfig, withAssignment } from "../../cli/plan/stackConfig";
import { everythingOn, filled, plansToCheck, policiesIn } from "../python/python";
import { type Manifest, ofType, planOfConfig } from "./planned";

interface Found {
  readonly resource: PlannedResource;
  readonly statement: Manifest;
}

/** Statements that allow something on every resource, by document and Sid. */
const everyResource: readonly {
  readonly document: string;
  readonly sid?: string;
  /** What the statement may allow so; nothing else. */
  readonly actions: RegExp;
  readonly reason: string;
}[] = [
  {
    document: "vpc-cni",
    sid: "Discover",
    actions: /^ec2:Describe/,
    reason: "EC2's Describe actions take no resource.",
  },
  {
    document: "cloudwatch-agent",
    sid: "PutMetrics",
    actions: /^cloudwatch:PutMetricData$/,
    reason: "The action takes no resource; a condition confines it to two namespaces.",
  },
  {
    document: "cloudwatch-agent",
    sid: "DescribeMachines",
    actions: /^ec2:Describe/,
    reason: "EC2's Describe actions take no resource.",
  },
  {
    document: "karpenter",
    sid: "ListProfiles",
    actions: /^iam:ListInstanceProfiles$/,
    reason: "Karpenter lists all of them; Karpenter's own policy has it so.",
  },
  {
    document: "karpenter",
    sid: "Discover",
    actions: /^ec2:Describe/,
    reason: "EC2's Describe actions take no resource; a condition confines them to the region.",
  },
  {
    document: "karpenter",
    sid: "ReadPrices",
    actions: /^pricing:GetProducts$/,
    reason: "The price list takes no resource.",
  },
  {
    document: "load-balancer-controller",
    sid: "Discover",
    actions: /^(ec2|elasticloadbalancing):Describe/,
    reason: "Describe actions of EC2 and Elastic Load Balancing take no resource.",
  },
  {
    document: "keda",
    sid: "ReadMetrics",
    actions: /^cloudwatch:GetMetricData$/,
    reason: "The action takes no resource.",
  },
  {
    document: "sd21-UNIT",
    actions: /^cloudwatch:PutMetricData$/,
    reason: "The action takes no resource; a condition confines it to the fleet's namespace.",
  },
  {
    document: "image-cache-machine",
    sid: "LogInToEcr",
    actions: /^ecr:GetAuthorizationToken$/,
    reason: "The action takes no resource.",
  },
  {
    document: "image-cache-machine",
    sid: "BeManaged",
    actions: /^(ssm:UpdateInstanceInformation$|ssmmessages:|ec2messages:)/,
    reason: "As AmazonSSMManagedInstanceCore: a managed machine's own calls take no resource.",
  },
  {
    document: "image-cache-run",
    sid: "Look",
    actions: /^(ec2:Describe|ssm:(Describe|List)|ssm:GetCommandInvocation$)/,
    reason: "Reading the state of machines, snapshots, executions and commands takes no resource.",
  },
];

/** Statements that allow all actions of a service. */
const everyAction: readonly { document: string; sid: string; reason: string }[] = [
  {
    document: "alarms",
    sid: "AccountByItsIamPolicies",
    reason: "A key policy without the account's own statement makes a key that nobody can manage.",
  },
];

/** Services whose trust can have no source account. */
const withoutSource: readonly { service: string; reason: string }[] = [
  {
    service: "ec2.amazonaws.com",
    reason: "EC2 presents no source when it takes on the role of an instance profile.",
  },
  {
    service: "logdelivery.elasticloadbalancing.amazonaws.com",
    reason: "As in ELB's guide: the resource, this account's folder, binds it to the account.",
  },
];

/** A hundred characters, the most that Pulumi allows. */
const longStack = `feature-${"x".repeat(92)}`;
/** No region's name is longer. */
const longRegion = "ap-southeast-2";

function statementsOf(plan: Plan): Found[] {
  return plan.document.resources
    .filter(({ type }) => type.startsWith("aws:"))
    .flatMap((resource) =>
      policiesIn(resource.inputs).flatMap((text) =>
        [JSON.parse(text).Statement].flat().map((statement) => ({ resource, statement })),
      ),
    );
}

function allowed(found: readonly Found[]): Found[] {
  return found.filter(({ statement }) => statement.Effect === "Allow");
}

function actionsOf({ statement }: Found): string[] {
  return [statement.Action].flat();
}

function documentOf({ resource: { name } }: Found): string {
  return name.replace(/^sd21-.*/, "sd21-UNIT");
}

function describeFound(found: Found): string {
  return `${found.resource.urn} ${found.statement.Sid}: ${actionsOf(found).join(" ")}`;
}

/** Characters as IAM counts them: white space is free. */
function size(plan: Plan, policy: unknown): number {
  return filled(plan, String(policy)).replace(/\s/g, "").length;
}

describe("IAM", () => {
  let plans: Readonly<Record<string, Plan>>;
  let found: readonly Found[];

  before(async function () {
    this.timeout(120_000);
    plans = await plansToCheck();
    found = Object.values(plans).flatMap(statementsOf);
    assert.ok(found.length > 100);
  });

  it("allows nobody every action, or every action of a service", () => {
    const wide = allowed(found).filter((it) =>
      actionsOf(it).some((action) => /^\*$|:\*$/.test(action)),
    );
    const listed = (it: Found) =>
      everyAction.find(
        ({ document, sid }) => document === documentOf(it) && sid === it.statement.Sid,
      );
    assert.deepEqual(wide.filter((it) => !listed(it)).map(describeFound), []);
    assert.deepEqual(
      everyAction.filter((entry) => !wide.some((it) => listed(it) === entry)),
      [],
      "exceptions that nothing needs any more",
    );
    assert.ok(allowed(found).every(({ statement }) => statement.NotAction === undefined));
  });

  it("allows nothing on every resource, but for a short list with reasons", () => {
    const wide = allowed(found).filter(
      ({ resource, statement }) =>
        // In a key's own policy "*" is the key.
        resource.type !== "aws:kms/key:Key" && [statement.Resource].flat().includes("*"),
    );
    const listed = (it: Found) =>
      everyResource.find(
        ({ document, sid, actions }) =>
          document === documentOf(it) &&
          sid === it.statement.Sid &&
          actionsOf(it).every((action) => actions.test(action)),
      );
    assert.deepEqual(wide.filter((it) => !listed(it)).map(describeFound), []);
    assert.deepEqual(
      everyResource.filter((entry) => !wide.some((it) => listed(it) === entry)),
      [],
      "exceptions that nothing needs any more",
    );
    assert.ok(allowed(found).every(({ statement }) => statement.NotResource === undefined));
  });

  it("confines what pods and agents publish to their own metric namespaces", () => {
    const publishing = found.filter((it) => actionsOf(it).includes("cloudwatch:PutMetricData"));
    assert.ok(publishing.length > 0);
    for (const it of publishing)
      assert.ok(it.statement.Condition?.StringEquals?.["cloudwatch:namespace"], describeFound(it));
  });

  it("attaches no managed policy that gives everything of a service, or everything", () => {
    for (const plan of Object.values(plans)) {
      const attached = [
        ...ofType(plan, "aws:iam/rolePolicyAttachment:RolePolicyAttachment").map(
          ({ inputs }) => inputs.policyArn,
        ),
        ...ofType(plan, "aws:iam/role:Role").flatMap(
          ({ inputs }) => inputs.managedPolicyArns ?? [],
        ),
      ].map(String);
      assert.ok(attached.length > 0);
      for (const arn of attached)
        assert.doesNotMatch(arn, /AdministratorAccess|FullAccess|PowerUserAccess/);
    }
  });

  it("lets services in for this account only", () => {
    const services = allowed(found).flatMap((it) =>
      [it.statement.Principal?.Service ?? []].flat().map((service: string) => ({ it, service })),
    );
    assert.ok(services.length > 0);
    const unbound = services.filter(
      ({ it }) => it.statement.Condition?.StringEquals?.["aws:SourceAccount"] === undefined,
    );
    const listed = withoutSource.map(({ service }) => service);
    assert.deepEqual(
      unbound.filter(({ service }) => !listed.includes(service)).map(({ it }) => describeFound(it)),
      [],
    );
    assert.deepEqual([...new Set(unbound.map(({ service }) => service))].sort(), listed);
  });

  it("lets nobody else in than services, and this account to its own keys", () => {
    for (const it of allowed(found)) {
      const { Principal } = it.statement;
      if (Principal === undefined) continue;
      const others = Object.keys(Principal).filter((kind) => kind !== "Service");
      assert.notEqual(Principal, "*", describeFound(it));
      if (others.length > 0) {
        assert.equal(it.resource.type, "aws:kms/key:Key", describeFound(it));
        assert.match(Principal.AWS, /:iam::<output of getCallerIdentity\.accountId>:root$/);
      }
    }
  });

  it("hands a role only to the service that it is for", () => {
    const passing = allowed(found).filter((it) => actionsOf(it).includes("iam:PassRole"));
    assert.ok(passing.length > 0);
    for (const it of passing) {
      assert.deepEqual(actionsOf(it), ["iam:PassRole"]);
      assert.ok(it.statement.Condition?.StringEquals?.["iam:PassedToService"], describeFound(it));
      assert.match(it.statement.Resource, /^<output of [\w-]+\.arn>$/);
    }
  });

  it("refuses plain HTTP at every queue, topic and bucket", () => {
    const kinds = [
      ["aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy", /^sqs:\*$/],
      ["aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy", /^sns:(\*|Publish)$/],
      ["aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy", /^s3:\*$/],
    ] as const;
    for (const plan of Object.values(plans))
      for (const [type, policyType, actions] of kinds) {
        const resources = ofType(plan, type);
        assert.ok(resources.length > 0, type);
        for (const { urn } of resources) {
          const policy = ofType(plan, policyType).find(({ dependencies }) =>
            dependencies.includes(urn),
          );
          assert.ok(policy, `${urn} has no policy`);
          const denials = JSON.parse(String(policy.inputs.policy)).Statement.filter(
            (statement: Manifest) =>
              statement.Effect === "Deny" &&
              statement.Principal === "*" &&
              actions.test(statement.Action) &&
              statement.Condition?.Bool?.["aws:SecureTransport"] === "false",
          );
          assert.equal(denials.length, 1, `${urn} takes plain HTTP`);
        }
      }
  });

  it("keeps policies within IAM's limits, in a stack with a name of a hundred characters too", async function () {
    this.timeout(120_000);
    const { values } = everythingOn
      .map((assignment) => assignment.replace("us-west-2", longRegion))
      .reduce(withAssignment, readStackConfig(resolve(__dirname, "../.."), "prod"));
    const config = Object.entries(values).flatMap(([key, value]) =>
      key.startsWith("diffusion-fleet:") ? [[key.slice("diffusion-fleet:".length), value]] : [],
    );
    const longest = await planOfConfig(longStack, Object.fromEntries(config), longRegion);
    for (const plan of [...Object.values(plans), longest]) {
      const perRole = new Map<string, number>();
      for (const { inputs } of ofType(plan, "aws:iam/rolePolicy:RolePolicy")) {
        const role = String(inputs.role);
        perRole.set(role, (perRole.get(role) ?? 0) + size(plan, inputs.policy));
      }
      assert.ok(perRole.size > 5);
      // IAM and AWS STS quotas: inline policies of a role together, a managed policy, a trust policy.
      for (const [role, characters] of perRole)
        assert.ok(characters <= 10_240, `${role} has ${characters} characters of inline policies`);
      for (const { urn, inputs } of ofType(plan, "aws:iam/policy:Policy"))
        assert.ok(size(plan, inputs.policy) <= 6144, urn);
      for (const { urn, inputs } of ofType(plan, "aws:iam/role:Role"))
        assert.ok(size(plan, inputs.assumeRolePolicy) <= 2048, urn);
    }
  });
});
