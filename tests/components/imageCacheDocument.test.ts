import assert from "node:assert/strict";
import {
  type AutomationStep,
  imageCacheDocument,
  PURPOSE,
  PURPOSE_TAG,
} from "../../components/imageCacheDocument";

const document = imageCacheDocument({
  documentName: "diffusion-fleet-dev-image-cache",
  roleArn: "arn:aws:iam::123456789012:role/run",
  launchTemplateId: "lt-0123456789abcdef0",
  images: ["123456789012.dkr.ecr.us-west-2.amazonaws.com/server-cuda:1.0"],
  repositories: [
    { name: "server-cuda", url: "123456789012.dkr.ecr.us-west-2.amazonaws.com/server-cuda" },
  ],
  parameterName: "/diffusion-fleet/dev/image-cache/snapshot-id",
  keep: 3,
  inUseSnapshotId: "snap-0123456789abcdef0",
  tags: { "diffusion-fleet:stack": "dev" },
});
const steps = new Map(document.mainSteps.map((step) => [step.name, step]));

/** Where a step goes on: when it succeeds, when it fails, when somebody cancels. */
function nextOf(step: AutomationStep): string[] {
  const choices = (step.inputs.Choices ?? []) as { NextStep: string }[];
  const jumps = [step.onFailure, step.onCancel]
    .filter((to) => to?.startsWith("step:"))
    .map((to) => to!.slice("step:".length));
  return [
    ...(step.nextStep ?? "").split(",").filter(Boolean),
    ...choices.map((c) => c.NextStep),
    ...jumps,
  ];
}

/** The steps from the launch on, when there is a machine that has to go. */
function afterLaunch(): AutomationStep[] {
  const names = document.mainSteps.map((step) => step.name);
  return document.mainSteps.slice(names.indexOf("launch"));
}

/** `{{ step.Output }}`, `{{ Parameter }}` and `{{ automation:NAME }}` anywhere in a value. */
function references(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/\{\{ ([^}]+) \}\}/g)].map((match) => match[1]!);
}

describe("the image cache's automation", () => {
  it("has steps that each say where it goes on, and go to steps that exist", () => {
    assert.equal(steps.size, document.mainSteps.length, "names are unique");
    for (const step of document.mainSteps) {
      assert.notEqual(step.nextStep !== undefined, step.isEnd === true, step.name);
      for (const next of nextOf(step)) assert.ok(steps.has(next), `${step.name} → ${next}`);
    }
  });

  it("uses names that Systems Manager accepts", () => {
    for (const name of steps.keys()) assert.match(name, /^[a-zA-Z0-9_]{3,50}$/);
  });

  it("reaches every step from the first", () => {
    const reached = new Set<string>();
    const queue = [document.mainSteps[0]!.name];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (reached.has(name)) continue;
      reached.add(name);
      queue.push(...nextOf(steps.get(name)!));
    }
    assert.deepEqual([...reached].sort(), [...steps.keys()].sort());
  });

  it("cleans up after success, failure and cancellation of every step from the launch on", () => {
    for (const step of afterLaunch().filter(({ name }) => name !== "cleanUp")) {
      assert.equal(step.onFailure, "step:cleanUp", step.name);
      assert.equal(step.onCancel, "step:cleanUp", step.name);
      assert.equal(step.isCritical, true, `${step.name}: a failure stays a failure`);
      let last = step;
      while (last.nextStep !== undefined) last = steps.get(last.nextStep)!;
      assert.equal(last.name, "cleanUp");
    }
    assert.equal(steps.get("cleanUp")!.isEnd, true);
  });

  it("cancels into clean-up only from actions that support it", () => {
    // Systems Manager user guide, "Properties shared by all actions", onCancel.
    const unsupported = ["approve", "copyImage", "createImage", "createStack", "createTags", "loop"]
      .concat(["pause", "runInstances", "sleep"])
      .map((action) => `aws:${action}`);
    for (const step of document.mainSteps.filter(({ onCancel }) => onCancel !== undefined))
      assert.ok(!unsupported.includes(step.action), step.name);
  });

  it("refers to parameters, to itself, and to outputs of steps that have run before", () => {
    const before = new Set(["automation:EXECUTION_ID", ...Object.keys(document.parameters)]);
    for (const step of document.mainSteps) {
      for (const name of references(step.inputs))
        assert.ok(before.has(name), `${step.name}: ${name}`);
      for (const output of step.outputs ?? []) before.add(`${step.name}.${output.Name}`);
    }
    for (const output of document.outputs) assert.ok(before.has(output), output);
  });

  it("needs nothing of other steps to clean up", () => {
    assert.deepEqual(references(steps.get("cleanUp")!.inputs), ["automation:EXECUTION_ID"]);
  });

  it("launches by the template alone and tags all that it makes", () => {
    const { LaunchTemplate, TagSpecifications, ...rest } = steps.get("launch")!.inputs;
    assert.deepEqual(LaunchTemplate, {
      LaunchTemplateId: "lt-0123456789abcdef0",
      Version: "$Latest",
    });
    assert.deepEqual(Object.keys(rest).sort(), ["Api", "MaxCount", "MinCount", "Service"]);
    type Tags = { ResourceType: string; Tags: { Key: string; Value: string }[] }[];
    const made = [
      ...(TagSpecifications as Tags),
      ...(steps.get("createSnapshot")!.inputs.TagSpecifications as Tags),
    ];
    assert.deepEqual(
      made.map(({ ResourceType }) => ResourceType),
      ["instance", "volume", "network-interface", "snapshot"],
    );
    for (const { Tags } of made) {
      const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
      assert.equal(tags[PURPOSE_TAG], PURPOSE);
      assert.equal(tags["diffusion-fleet:stack"], "dev");
      assert.equal(tags["diffusion-fleet:execution"], "{{ automation:EXECUTION_ID }}");
    }
  });

  it("publishes before it deletes old ones, and never the one in use", () => {
    const names = [...steps.keys()];
    assert.ok(names.indexOf("waitForSnapshot") < names.indexOf("publish"));
    assert.ok(names.indexOf("publish") < names.indexOf("prune"));
    const payload = steps.get("prune")!.inputs.InputPayload as Record<string, unknown>;
    assert.equal(payload.inUse, "{{ InUseSnapshot }}");
    assert.equal(payload.published, "{{ createSnapshot.SnapshotId }}");
    assert.equal(document.parameters.InUseSnapshot?.default, "snap-0123456789abcdef0");
  });

  it("has defaults for all parameters, which their patterns allow", () => {
    for (const [name, { default: value, allowedPattern }] of Object.entries(document.parameters)) {
      assert.notEqual(value, undefined, name);
      if (allowedPattern !== undefined) assert.match(String(value), new RegExp(allowedPattern));
    }
  });

  it("stays below the size that Systems Manager takes", () => {
    // AWS Systems Manager quotas: a document of 64 KB.
    assert.ok(JSON.stringify(document).length < 64 * 1024);
  });
});
