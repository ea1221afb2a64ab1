import assert from "node:assert/strict";
import { CLUSTER_CREDENTIAL } from "./double/eksCluster";
import { describeOnEngine } from "./engineSuite";
import { PASSPHRASE, textOf, World } from "./world";

const SETTING = "hf_ThisIsWhatNobodyMayRead";

/** In every kubeconfig, and nowhere else. */
const KUBECONFIG_KEY = "certificate-authority-data";

describeOnEngine("secrets", () => {
  let world: World;
  let printed: Readonly<Record<string, string>>;

  before(async () => {
    world = await World.empty("dev");
    await world.configure("units.sd21-inf2-neuron.env.HF_TOKEN", SETTING, "--secret");
    const preview = await world.succeed("preview", "--diff");
    const up = await world.succeed("up", "--yes", "--skip-preview", "--diff");
    printed = { preview: textOf(preview), up: textOf(up) };
  });

  after(() => world.close());

  it("get to where they are used, so that the tests below would see them", async () => {
    assert.ok(JSON.stringify(world.cloud.objects).includes(SETTING));
    const { stdout } = await world.succeed("stack", "export", "--show-secrets");
    for (const secret of [SETTING, CLUSTER_CREDENTIAL, KUBECONFIG_KEY])
      assert.ok(stdout.includes(secret), secret);
  });

  it("are nowhere in the exported state in plain text: settings, kubeconfig, passphrase", async () => {
    const { stdout } = await world.succeed("stack", "export");
    assertHidden(stdout);
  });

  it("are in no file of the backend, nor in the stack's config", () => {
    for (const { path, text } of world.files()) assertHidden(text, path);
  });

  it("are not printed by preview, up, or the stack's outputs", async () => {
    for (const [command, text] of Object.entries(printed)) assertHidden(text, command);
    assertHidden(textOf(await world.succeed("stack", "output", "--json")), "stack output");
  });
});

function assertHidden(text: string, where = "it"): void {
  for (const secret of [SETTING, CLUSTER_CREDENTIAL, KUBECONFIG_KEY, PASSPHRASE])
    assert.ok(!text.includes(secret), `${where} shows ${secret}`);
}
