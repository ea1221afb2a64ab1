import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { planOf } from "../program/planned";

/**
 * What AWS's own tools, which are in Python, are asked about: plans with plausible values where a
 * preview knows none. Their packages are in requirements.txt.
 */

const root = resolve(__dirname, "../..");

/** An interpreter that has some packages, or why there is none. */
export type Python =
  | { readonly interpreter: string }
  | { readonly interpreter: undefined; readonly reason: string };

/** The checkout's own environment or else the machine's Python, whichever has the packages. */
export function pythonWith(packages: readonly string[]): Python {
  let reason = "there is no python3";
  for (const interpreter of [resolve(root, ".venv/bin/python"), "python3"]) {
    const source = packages.map((name) => `import ${name}`).join("\n");
    const { status, stderr } = spawnSync(interpreter, ["-W", "ignore", "-c", source], {
      encoding: "utf8",
    });
    if (status === 0) return { interpreter };
    const missing = /No module named '([^']+)'/.exec(stderr ?? "")?.[1];
    if (missing !== undefined) reason = `${missing} is not installed`;
  }
  return { interpreter: undefined, reason };
}

/** Runs a script of this folder on JSON, and gives the JSON that it prints. */
export type Ask = (script: string, question: unknown) => unknown;

/** A suite that wants Python packages; without them it is skipped, and its title says why. */
export function describeWithPython(
  title: string,
  packages: readonly string[],
  body: (this: Mocha.Suite, ask: Ask) => void,
): void {
  const python = pythonWith(packages);
  if (python.interpreter === undefined) {
    describe.skip(`${title} (skipped: ${python.reason})`, function () {
      body.call(this, () => assertNever());
    });
    return;
  }
  const { interpreter } = python;
  describe(title, function () {
    body.call(this, (script, question) => {
      const { status, stdout, stderr } = spawnSync(
        interpreter,
        ["-W", "ignore", resolve(__dirname, script)],
        { input: JSON.stringify(question), encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
      );
      if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
      return JSON.parse(stdout) as unknown;
    });
  });
}

function assertNever(): never {
  throw new Error("a skipped suite ran");
}

/** Everything that the config can switch on beside what `prod` has. */
export const everythingOn: readonly string[] = [
  "tags={team: images}",
  "cluster.publicAccessCidrs=[203.0.113.0/24]",
  "cluster.accessEntries={ops: {principalArn: 'arn:aws:iam::123456789012:role/ops', policy: AmazonEKSViewPolicy, namespaces: [diffusion-fleet]}}",
  "cluster.addons.cloudwatchObservability=v4.5.0-eksbuild.1",
  "images.snapshot.id=snap-0123456789abcdef0",
  "nodes.al2023Version='20260318'",
  "modelStore.existingBucket=models-of-ours",
  "modelStore.kmsKeyArn=arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555",
  "units.sd21-g5-cuda.headroom=1",
  "units.sd21-g6-triton.nodeImage=al2023",
  "units.sd21-g5-triton.capacityTypes=[reserved, spot, on-demand]",
  "units.sd21-g5-triton.capacityReservationIds=[cr-0123456789abcdef0]",
  "gateway.scheme=internet-facing",
  "gateway.certificateArn=arn:aws:acm:us-west-2:123456789012:certificate/11111111-2222-3333-4444-555555555555",
  "gateway.webAclArn=arn:aws:wafv2:us-west-2:123456789012:regional/webacl/fleet/11111111-2222-3333-4444-555555555555",
  "gateway.authentication={userPoolArn: 'arn:aws:cognito-idp:us-west-2:123456789012:userpool/us-west-2_aBcDeFgHi', clientId: 1h57kf5cpq17m0eml12EXAMPLE, domain: sign-in}",
  "gateway.stickiness.durationSeconds=600",
  "observability.alarmEmails=[a@example.com]",
  "observability.budget={monthlyUsd: 100, emails: [a@example.com]}",
  "observability.activateCostTags=true",
];

let plans: Promise<Readonly<Record<string, Plan>>> | undefined;

/**
 * The plans of `dev`, of `prod`, of a `prod` with everything on, and of a `dev` that builds its own
 * images, which goes with no snapshots; made once for all suites.
 */
export function plansToCheck(): Promise<Readonly<Record<string, Plan>>> {
  plans ??= (async () => ({
    dev: await planOf("dev"),
    prod: await planOf("prod"),
    everything: await planOf("prod", ...everythingOn),
    localImages: await planWithLocalImages(),
  }))();
  return plans;
}

async function planWithLocalImages(): Promise<Plan> {
  const context = mkdtempSync(join(tmpdir(), "fleet-context-"));
  try {
    for (const framework of ["neuron", "cuda", "triton"])
      writeFileSync(join(context, `Dockerfile.${framework}`), "FROM scratch\n");
    return await planOf("dev", "images.server.source=local", `images.server.context=${context}`);
  } finally {
    rmSync(context, { recursive: true });
  }
}

/** The IAM policy documents in a resource's inputs, wherever they stand, as JSON. */
export function policiesIn(value: unknown): string[] {
  if (typeof value === "string") return isPolicy(value) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(policiesIn);
}

function isPolicy(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    return Array.isArray(JSON.parse(text).Statement);
  } catch {
    return false;
  }
}

const account = "123456789012";
const id = "0123456789abcdef0";
const key = "11111111-2222-3333-4444-555555555555";

/** What a resource is called in AWS; the provider appends 26 characters to a prefix. */
export function physicalName({ name, inputs }: PlannedResource): string {
  const prefix = inputs.namePrefix ?? inputs.bucketPrefix;
  return String(
    inputs.name ?? (prefix === undefined ? name : `${prefix}20260801120000000000000001`),
  );
}

/** ARNs by resource type and name, for resources whose ARN another resource uses. */
const arns: Readonly<Record<string, (name: string) => string>> = {
  "aws:cloudwatch/eventRule:EventRule": (name) =>
    `arn:aws:events:us-west-2:${account}:rule/${name}`,
  "aws:cloudwatch/logGroup:LogGroup": (name) =>
    `arn:aws:logs:us-west-2:${account}:log-group:${name}`,
  "aws:ec2/launchTemplate:LaunchTemplate": () =>
    `arn:aws:ec2:us-west-2:${account}:launch-template/lt-${id}`,
  "aws:ecr/repository:Repository": (name) => `arn:aws:ecr:us-west-2:${account}:repository/${name}`,
  "aws:iam/instanceProfile:InstanceProfile": (name) =>
    `arn:aws:iam::${account}:instance-profile/${name}`,
  "aws:iam/role:Role": (name) => `arn:aws:iam::${account}:role/${name}`,
  "aws:kms/key:Key": () => `arn:aws:kms:us-west-2:${account}:key/${key}`,
  "aws:s3/bucket:Bucket": (name) => `arn:aws:s3:::${name}`,
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
  insecureValue: () => "1.57.0-8a1b2c3d",
  latestVersion: () => "1",
  repositoryUrl: (name) => `${account}.dkr.ecr.us-west-2.amazonaws.com/${name}`,
  url: (name) => `https://sqs.us-west-2.amazonaws.com/${account}/${name}`,
  "aws:kms/key:Key id": () => key,
  "aws:ec2/launchTemplate:LaunchTemplate id": () => `lt-${id}`,
  "aws:ec2/securityGroup:SecurityGroup id": () => `sg-${id}`,
};

/**
 * A text of the plan with a plausible value for every `<output of NAME.PROPERTY>` in it. Resources
 * of several types may share a name: their ARN is the one that fits best to what `about` names, IAM
 * actions and condition keys such as `ssm:PutParameter`.
 */
export function filled(plan: Plan, text: string, about: readonly string[] = []): string {
  return text.replace(/<output of ([^<>]+?)\.([^<>.]+)>/g, (placeholder, name, property) => {
    const named = plan.document.resources.filter((resource) => resource.name === name);
    const value =
      property === "arn" ? arnOf(named, about) : outputOf(named, String(name), String(property));
    if (value === undefined)
      throw new Error(`tests/python/python.ts has no value for ${placeholder}`);
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
  const value = values[`${owner?.type} ${property}`] ?? values[property];
  return value?.(owner === undefined ? name : physicalName(owner));
}
