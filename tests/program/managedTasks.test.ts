import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { type ManagedRuntime, runtimesSchema } from "../../contracts/tasks/runtimes";
import { TASK_API, TASK_API_LISTS_FILE, TASK_RESULTS } from "../../contracts/tasks/settings";
import { type Manifest, ofType, planOf, planWithSecrets } from "./planned";

/** The one managed runtime of a plan, as a function knows it. */
function runtimeIn(plan: Plan, app: string): ManagedRuntime {
  const [target] = ofType(plan, "aws:lambda/function:Function").filter(({ name }) => name === app);
  const lists = JSON.parse((target!.inputs.code as Manifest)[TASK_API_LISTS_FILE]);
  return runtimesSchema.parse(JSON.parse(lists.RUNTIMES))[0] as ManagedRuntime;
}

async function revisionOf(...assignments: string[]): Promise<string> {
  const { revision } = runtimeIn(await planOf("managed", ...assignments), TASK_API);
  assert.ok(revision !== undefined);
  return revision;
}

const endpoint = "sagemaker.asyncEndpoints.campaign";
const image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/theirs";
const digest = (digit: string) => `images.server.digests.neuron=sha256:${digit.repeat(64)}`;
const hash = (digit: string) => digit.repeat(16);

describe("A managed runtime's revision", () => {
  let shipped: string;
  before(async () => {
    shipped = await revisionOf();
  });

  const changes: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["safety checker", ["models.sdxl.safetyChecker=false"], ["models.sdxl.safetyChecker=true"]],
    ["setting", [], [`${endpoint}.env={LORA_PATH: /opt/ml/model/lora}`]],
    [
      "setting's value",
      [`${endpoint}.env={LORA_PATH: /opt/ml/model/lora}`],
      [`${endpoint}.env={LORA_PATH: /opt/ml/model/other}`],
    ],
    ["artefact", [`${endpoint}.artefact=${hash("a")}`], [`${endpoint}.artefact=${hash("b")}`]],
    ["container", [`${endpoint}.container=${image}:1`], [`${endpoint}.container=${image}:2`]],
    ["server's tag", [], ["images.server.tag=another"]],
    ["server's digest", [digest("1")], [digest("2")]],
    ["server's source", [], ["images.server.source=codebuild"]],
    [
      "accelerator, which runs the same artefact",
      [`${endpoint}.framework=cuda`, `${endpoint}.accelerator=g5`],
      [`${endpoint}.framework=cuda`, `${endpoint}.accelerator=g6`],
    ],
  ];
  for (const [what, from, to] of changes)
    it(`is another one with another ${what}`, async () => {
      const before = from.length === 0 ? shipped : await revisionOf(...from);
      assert.notEqual(await revisionOf(...to), before);
    });

  it("stays where images stay: with other instances, attempts, and an order of settings", async () => {
    const base = await revisionOf(`${endpoint}.env={A: "1", B: "2"}`);
    assert.equal(
      await revisionOf(
        `${endpoint}.env={B: "2", A: "1"}`,
        `${endpoint}.instances={min: 1, max: 8}`,
        "async.managedRuntimes.sdxl-campaign.maxAttempts=2",
        `images.server.digests.cuda=sha256:${"3".repeat(64)}`,
      ),
      base,
    );
  });

  it("is the same for the API and for what brings results back, and tells no secret", async () => {
    const secret = "hf_ThisIsWhatNobodyMayRead";
    const plan = await planWithSecrets(
      "managed",
      ["sagemaker"],
      `${endpoint}.env={HF_TOKEN: ${secret}}`,
    );
    const { revision } = runtimeIn(plan, TASK_API);
    assert.notEqual(revision, shipped);
    assert.equal(runtimeIn(plan, TASK_RESULTS).revision, revision);
    assert.ok(!JSON.stringify(plan.document).includes(secret));
  });
});
