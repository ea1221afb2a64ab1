import assert from "node:assert/strict";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { describeWithPython, filled, plansToCheck, policiesIn } from "../python/python";
import type { Manifest } from "./planned";

interface Finding {
  /** Name of the resource whose document it is. */
  readonly name: string;
  readonly issue: string;
  readonly detail: string;
}

/** Findings that are known to be wrong, each with what shows it. */
const falsePositives: readonly {
  readonly name: string;
  readonly issue: string;
  readonly detail: string | RegExp;
  readonly reason: string;
}[] = [
  {
    name: "karpenter",
    issue: "RESOURCE_MISMATCH",
    detail: "ssm:GetParameter wants arn:*:ssm:*:*:parameter/*",
    reason: "Public parameters have no account in their ARN (Systems Manager, public parameters).",
  },
  {
    name: "image-cache-run",
    issue: "RESOURCE_MISMATCH",
    detail: "ssm:GetParameters wants arn:*:ssm:*:*:parameter/*",
    reason: "As above: Bottlerocket's image id is a public parameter.",
  },
  {
    name: "image-cache-run",
    issue: "RESOURCE_MISMATCH",
    detail: "ssm:SendCommand wants arn:*:ssm:*:*:document/*",
    reason: "Documents of AWS's own, AWS-RunShellScript here, have no account in their ARN.",
  },
  {
    name: "cloudwatch-agent",
    issue: "RESOURCE_MISMATCH",
    detail: "logs:DescribeLogGroups wants *",
    reason: 'CloudWatch Logs user guide, "Logs sent to CloudWatch Logs": log-group:* will do.',
  },
  {
    name: "load-balancer-controller",
    issue: "RESOURCE_MISMATCH",
    detail:
      /^elasticloadbalancing:\w+ wants arn:\*:elasticloadbalancing:\*:\*:listener(-rule)?\/net\//,
    reason: "The program makes no network load balancers, of which parliament wants one as well.",
  },
  {
    name: "load-balancer-controller",
    issue: "UNKNOWN_CONDITION_FOR_ACTION",
    detail:
      "Unknown condition elasticloadbalancing:CreateAction for action elasticloadbalancing:AddTags",
    reason: "parliament knows AddTags by three entries, and only the oldest has no CreateAction.",
  },
  {
    name: "load-balancer-controller",
    issue: "RESOURCE_MISMATCH",
    detail: "elasticloadbalancing:SetWebAcl wants *",
    reason:
      "AWS WAF's guide confines it to loadbalancer/app/*/* (permissions for AssociateWebACL).",
  },
  {
    name: "alarms",
    issue: "RESOURCE_MISMATCH",
    detail: /^kms:\w+ wants (\*|arn:\*:kms:\*:\*:alias\/\*)$/,
    reason: "kms:* is the account's own statement of every key policy; it holds for this key only.",
  },
  {
    name: "task-topics",
    issue: "RESOURCE_MISMATCH",
    detail: /^kms:\w+ wants (\*|arn:\*:kms:\*:\*:alias\/\*)$/,
    reason: "As above.",
  },
  {
    name: "endpoint-topics",
    issue: "RESOURCE_MISMATCH",
    detail: /^kms:\w+ wants (\*|arn:\*:kms:\*:\*:alias\/\*)$/,
    reason: "As above.",
  },
];

/** A document as parliament wants it: real ARNs, and a resource where AWS takes one for granted. */
function ready(plan: Plan, { type, name }: PlannedResource, text: string): Manifest {
  const document = JSON.parse(text);
  const statements = document.Statement.map((statement: Manifest) => {
    const about = [
      ...[statement.Action].flat(),
      ...Object.values(statement.Condition ?? {}).flatMap((test) => Object.keys(test as object)),
    ];
    const known = JSON.parse(filled(plan, JSON.stringify(statement), about));
    if (type === "aws:iam/role:Role")
      return { ...known, Resource: `arn:aws:iam::123456789012:role/${name}` };
    if (type === "aws:kms/key:Key")
      return { ...known, Resource: filled(plan, `<output of ${name}.arn>`, ["kms:Key"]) };
    return known;
  });
  return { ...document, Statement: statements };
}

describeWithPython("IAM policy documents", ["parliament"], (ask) => {
  const found: Finding[] = [];
  let documents: { name: string; policy: string }[];

  const lint = (policies: typeof documents) => ask("lint_policies.py", policies) as Finding[];

  before(async () => {
    const plans = Object.values(await plansToCheck());
    documents = plans.flatMap((plan) =>
      plan.document.resources
        .filter(({ type }) => type.startsWith("aws:"))
        .flatMap((resource) =>
          policiesIn(resource.inputs).map((text) => ({
            name: resource.name,
            policy: JSON.stringify(ready(plan, resource, text)),
          })),
        ),
    );
    found.push(...lint(documents));
  });

  it("pass an IAM linter: actions, resources and conditions that exist and fit each other", () => {
    assert.ok(documents.length > 50, `only ${documents.length} documents`);
    const unexpected = found.filter(
      (finding) => !falsePositives.some((it) => matches(it, finding)),
    );
    assert.deepEqual(
      [...new Set(unexpected.map(({ name, issue, detail }) => `${name}: ${issue}: ${detail}`))],
      [],
    );
  });

  it("are linted without an exception that nothing needs any more", () => {
    const unused = falsePositives.filter((it) => !found.some((finding) => matches(it, finding)));
    assert.deepEqual(unused, []);
  });

  it("would not pass with a misspelt action, a foreign resource, or a condition that cannot be", () => {
    const statement = (more: object) => [
      {
        name: "wrong",
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*", ...more },
          ],
        }),
      },
    ];
    const issues = (more: object) => lint(statement(more)).map(({ issue }) => issue);
    assert.deepEqual(issues({}), []);
    assert.deepEqual(issues({ Action: "s3:GetObjekt" }), ["UNKNOWN_ACTION"]);
    assert.deepEqual(issues({ Resource: "arn:aws:s3:::b" }), ["RESOURCE_MISMATCH"]);
    assert.deepEqual(issues({ Condition: { StringEquals: { "s3:prefix": "a" } } }), [
      "UNKNOWN_CONDITION_FOR_ACTION",
    ]);
  });
});

function matches(exception: (typeof falsePositives)[number], finding: Finding): boolean {
  const { name, issue, detail } = exception;
  return (
    finding.name === name &&
    finding.issue === issue &&
    (typeof detail === "string" ? finding.detail === detail : detail.test(finding.detail))
  );
}
