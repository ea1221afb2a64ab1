import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Plan } from "../../cli/plan/makePlan";
import { planOf } from "../program/planned";

export { filled, physicalName } from "../program/filled";

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
  "models.sd21.artefacts.cuda=5e7c2a1f0d9b8346",
  "models.sd21.compile={neuron: {sizes: [512x512, 768x768], edits: true}, triton: {batch: 4}}",
  "units.sd21-g5-cuda.headroom=1",
  "units.sd21-trn1-neuron.pricePerHour=0.9",
  "units.sd21-g6-triton.nodeImage=al2023",
  "units.sd21-g5-triton.capacityTypes=[reserved, spot, on-demand]",
  "units.sd21-g5-triton.capacityReservationIds=[cr-0123456789abcdef0]",
  "gateway.scheme=internet-facing",
  "gateway.certificateArn=arn:aws:acm:us-west-2:123456789012:certificate/11111111-2222-3333-4444-555555555555",
  "gateway.webAclArn=arn:aws:wafv2:us-west-2:123456789012:regional/webacl/fleet/11111111-2222-3333-4444-555555555555",
  "gateway.authentication={userPoolArn: 'arn:aws:cognito-idp:us-west-2:123456789012:userpool/us-west-2_aBcDeFgHi', clientId: 1h57kf5cpq17m0eml12EXAMPLE, domain: sign-in}",
  "gateway.stickiness.durationSeconds=600",
  "async.enabled=true",
  "async.subscribers={emails: [a@example.com], https: ['https://example.com/results'], queueArns: ['arn:aws:sqs:us-west-2:123456789012:results']}",
  "async.api.endpoint=private",
  "async.api.webAclArn=arn:aws:wafv2:us-west-2:123456789012:regional/webacl/tasks/11111111-2222-3333-4444-555555555555",
  "async.api.authentication=key",
  "async.api.quotaPerDay=100000",
  "async.api.createLogRole=true",
  "async.runtimes.drafts={adapter: fleet, model: sd21, accelerator: g5, framework: triton, replicas: {max: 2}}",
  "async.runtimes.webui={adapter: webui, model: sd21, accelerator: g6, framework: cuda, dynamicModel: true, replicas: {min: 1, max: 2}, image: {repository: 123456789012.dkr.ecr.us-west-2.amazonaws.com/webui, digest: 'sha256:2222222222222222222222222222222222222222222222222222222222222222'}, command: ['--port', '8080'], env: {HOME: /cache}}",
  "async.runtimes.comfyui={adapter: comfyui, accelerator: g5, framework: cuda, instanceTypes: [g5.2xlarge], nodeImage: al2023, capacityTypes: [on-demand], longestTaskSeconds: 1800, image: {repository: docker.io/example/comfyui, digest: 'sha256:1111111111111111111111111111111111111111111111111111111111111111'}, port: 8188, replicas: {max: 2}, scaling: {schedules: [{start: 0 8 * * 1-5, end: 0 18 * * 1-5, timezone: Europe/Berlin, replicas: 1}]}}",
  "async.notifyRunning=true",
  "async.inputs={hosts: ['*.example.com'], buckets: [inputs-of-ours]}",
  "async.agent.traceEndpoint=http://collector.tracing:4318",
  "observability.alarmEmails=[a@example.com]",
  "observability.budget={monthlyUsd: 100, emails: [a@example.com]}",
  "observability.activateCostTags=true",
];

/** Everything that the config can switch on of managed endpoints beside what `managed` has. */
export const everythingManaged: readonly string[] = [
  "sagemaker.vpcOnly=true",
  "sagemaker.isolateContainers=false",
  "sagemaker.kmsKeyArn=arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555",
  "sagemaker.asyncEndpoints.campaign.scaling.schedules=[{start: 'at(2026-12-01T08:00:00)', end: 'at(2026-12-01T20:00:00)', timezone: Europe/Berlin, min: 2, max: 8}]",
  "sagemaker.variantEndpoints.live.dataCapture={percent: 10, days: 7}",
  "sagemaker.variantEndpoints.steps={model: sdxl, accelerator: inf2, framework: neuron, scaling: {policy: step, schedules: [{start: 'cron(0 8 ? * MON-FRI *)', end: 'cron(0 18 ? * MON-FRI *)', min: 2}]}}",
  "sagemaker.componentEndpoints.shared.dataCapture={}",
  "sagemaker.componentEndpoints.none={accelerator: g6, instanceType: ml.g6.12xlarge, instances: {min: 0, max: 2}, components: {sketches: {model: sd15, framework: cuda, copies: {min: 0, max: 8}, scaling: {policy: step}, container: '763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker'}}}",
  "modelStore.existingBucket=models-of-ours",
  "modelStore.kmsKeyArn=arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555",
];

let plans: Promise<Readonly<Record<string, Plan>>> | undefined;

/**
 * The plans of `dev`, of `prod`, of a `prod` with everything on, of a `dev` that builds its own
 * images, which goes with no snapshots, by Docker and by CodeBuild, and of `managed` as it is and
 * with everything on; made once for all suites.
 */
export function plansToCheck(): Promise<Readonly<Record<string, Plan>>> {
  plans ??= (async () => ({
    dev: await planOf("dev"),
    prod: await planOf("prod"),
    everything: await planOf("prod", ...everythingOn),
    localImages: await planWithOwnImages("local"),
    codeBuild: await planWithOwnImages("codebuild"),
    managed: await planOf("managed"),
    everythingManaged: await planOf("managed", ...everythingManaged),
  }))();
  return plans;
}

/** Those of them with a cluster. */
export async function plansOnClusters(): Promise<Readonly<Record<string, Plan>>> {
  const { managed: _, everythingManaged: __, ...others } = await plansToCheck();
  return others;
}

async function planWithOwnImages(source: "local" | "codebuild"): Promise<Plan> {
  const context = mkdtempSync(join(tmpdir(), "fleet-context-"));
  try {
    for (const framework of ["neuron", "cuda", "triton"])
      writeFileSync(join(context, `Dockerfile.${framework}`), "FROM scratch\n");
    return await planOf(
      "dev",
      `images.server.source=${source}`,
      `images.server.context=${context}`,
    );
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
