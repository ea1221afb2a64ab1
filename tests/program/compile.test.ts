import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { MODEL_LABEL, RUNTIME_LABEL, UNIT_LABEL } from "../../contracts/labels";
import { serverSettingNames } from "../../contracts/serverSettings";
import { type Manifest, manifest, manifests, planOf } from "./planned";

const source = "models.sd21.artefacts.cuda=5e7c2a1f0d9b8346";
const neuron = "models.sd21.compile.neuron={sizes: [512x512]}";
const triton = "models.sd21.compile.triton={sizes: [768x768, 512x512], batch: 4}";

/** The argument of a Job's container that follows another. */
function argument(job: Manifest, option: string): string {
  const { args } = job.spec.template.spec.containers[0];
  return args[args.indexOf(option) + 1];
}

function jobsOf(plan: Plan): Map<string, Manifest> {
  return new Map(
    manifests(plan, "Job").map((job) => [job.spec.template.spec.serviceAccountName, job]),
  );
}

function modelPath(plan: Plan, deployment: string): string {
  const pod = manifest(plan, "Deployment", deployment).spec.template.spec;
  const env = [...pod.containers, ...(pod.initContainers ?? [])].flatMap((each) => each.env ?? []);
  return env.find(({ name }) => name === "MODEL_PATH").value;
}

describe("What is compiled by the program", () => {
  let plan: Plan;
  let jobs: Map<string, Manifest>;

  before(async () => {
    plan = await planOf("prod", source, neuron, triton);
    jobs = jobsOf(plan);
  });

  it("is nothing, where the config does not say so", async () => {
    assert.deepEqual(manifests(await planOf("prod", source), "Job"), []);
  });

  it("has one Job for each model, accelerator and framework", () => {
    assert.deepEqual([...jobs.keys()].sort(), [
      "compile-sd21-g5-triton",
      "compile-sd21-g6-triton",
      "compile-sd21-inf2-neuron",
      "compile-sd21-trn1-neuron",
    ]);
  });

  it("is what its units load, and others load what was imported", () => {
    for (const unit of ["sd21-inf2-neuron", "sd21-trn1-neuron", "sd21-g5-triton"]) {
      const to = argument(jobs.get(`compile-${unit}`), "--to");
      const [, path] = /^s3:\/\/[^/]+\/models\/(sd21\/[a-z]+\/[0-9a-f]{16})\/$/.exec(to)!;
      assert.equal(modelPath(plan, unit), `/models/${path}`);
    }
    assert.equal(modelPath(plan, "sd21-g5-cuda"), "/models/sd21/cuda/5e7c2a1f0d9b8346");
  });

  it("is made of the import, in the shapes that the config names", () => {
    const job = jobs.get("compile-sd21-g5-triton");
    assert.equal(argument(job, "--from"), "/models/sd21/cuda/5e7c2a1f0d9b8346");
    assert.equal(argument(job, "--sizes"), "512x512,768x768");
    assert.equal(argument(job, "--batch"), "4");
    assert.equal(argument(job, "--accelerator"), "g5");
  });

  it("is made once for a unit and a runtime that load the same", async () => {
    const runtime = "{adapter: fleet, model: sd21, accelerator: g5, framework: triton}";
    const both = await planOf(
      "prod",
      source,
      triton,
      "async.enabled=true",
      "async.api.allowedCidrs=[203.0.113.0/24]",
      `async.runtimes.drafts=${runtime}`,
    );
    assert.equal(jobsOf(both).size, 2, "g5 and g6");
    assert.equal(modelPath(both, "drafts"), modelPath(both, "sd21-g5-triton"));
  });

  it("gets another name by other shapes, another import, compiler or store, and by nothing else", async () => {
    const nameOf = async (...assignments: string[]) =>
      jobsOf(await planOf("prod", source, neuron, ...assignments)).get("compile-sd21-inf2-neuron")
        .metadata.name;
    const name = await nameOf();
    for (const other of [
      "models.sd21.compile.neuron.sizes=[768x768]",
      "models.sd21.compile.neuron.batch=2",
      "models.sd21.compile.neuron.edits=true",
      "models.sd21.compile.neuron.compiler='2.22.1'",
      "models.sd21.artefacts.cuda=aaaaaaaaaaaaaaaa",
      "modelStore.prefix=others/",
      "modelStore.existingBucket=models-of-ours",
    ])
      assert.notEqual(await nameOf(other), name, other);
    for (const same of ["images.server.tag=0.2.0", "units.sd21-inf2-neuron.replicas.max=3"])
      assert.equal(await nameOf(same), name, same);
  });

  it("runs on a machine of its own, with memory for Neuron's compiler", () => {
    const required = (wanted: string) => (pool: string) =>
      manifests(plan, "NodePool")
        .find(({ metadata }) => metadata.labels["app.kubernetes.io/name"] === pool)
        .spec.template.spec.requirements.find(({ key }: { key: string }) => key === wanted).values;
    const sizes = required("node.kubernetes.io/instance-type");
    const capacity = required("karpenter.sh/capacity-type");
    assert.deepEqual(sizes("compile-sd21-inf2-neuron"), ["inf2.8xlarge"]);
    assert.deepEqual(sizes("compile-sd21-trn1-neuron"), ["trn1.2xlarge"]);
    assert.deepEqual(sizes("compile-sd21-g5-triton"), ["g5.xlarge"]);
    assert.deepEqual(capacity("compile-sd21-g5-triton"), capacity("sd21-g5-triton"));
    assert.deepEqual(capacity("compile-sd21-inf2-neuron"), ["on-demand"]);
    for (const [name, job] of jobs) {
      const selector = job.spec.template.spec.nodeSelector;
      assert.equal(selector["diffusion-fleet.io/compilation"], name);
      assert.equal(selector["diffusion-fleet.io/stack"], "prod");
    }
  });

  it("is no replica: no Service, no budget and no fail-over counts its pod", () => {
    for (const [, job] of jobs)
      for (const label of [UNIT_LABEL, RUNTIME_LABEL, MODEL_LABEL])
        assert.equal(job.spec.template.metadata.labels[label], undefined);
  });

  it("is not disrupted, tried again after an accident, and not after a mistake", () => {
    for (const [, { spec }] of jobs) {
      assert.equal(spec.template.metadata.annotations["karpenter.sh/do-not-disrupt"], "true");
      assert.equal(spec.backoffLimit, 6);
      const [mistake] = spec.podFailurePolicy.rules;
      assert.equal(mistake.action, "FailJob");
      assert.deepEqual(mistake.onExitCodes.values, [2]);
    }
  });

  it("may write its own artefact, and nothing else", () => {
    const statements = plan.document.resources
      .filter(({ type, name }) => type === "aws:iam/rolePolicy:RolePolicy" && jobs.has(name))
      .map(({ name, inputs }) => ({ name, policy: JSON.parse(String(inputs.policy)).Statement }));
    assert.equal(statements.length, 4);
    for (const { name, policy } of statements) {
      const [, prefix] = /^s3:\/\/[^/]+(\/.*)$/.exec(argument(jobs.get(name), "--to"))!;
      for (const { Action, Resource } of policy)
        for (const resource of [Resource].flat())
          if (Action !== "s3:ListBucket") assert.ok(resource.includes(prefix), resource);
    }
  });

  it("needs nothing that only a server is told", () => {
    const { env } = jobs.get("compile-sd21-g5-triton").spec.template.spec.containers[0];
    const names = env.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, ["AWS_REGION", "CACHE_PATH"]);
    assert.ok(
      names.every((name: string) => (serverSettingNames as readonly string[]).includes(name)),
    );
  });
});
