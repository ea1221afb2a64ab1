import assert from "node:assert/strict";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describeOnMoto } from "../../python/moto";
import {
  COMMIT,
  type Hub,
  type HubBehaviour,
  REPOSITORY,
  STRANGER,
  startHub,
  TOKEN,
} from "./hubServer";
import { ImportWorld } from "./importWorld";
import { safetensors, type TinyFiles, tinyModel, tinyModelImported, without } from "./tinyModel";

describeOnMoto("fleet model add from the hub", (moto) => {
  const world = new ImportWorld();
  let hub: Hub;
  before(() => world.start(moto()));
  after(() => world.stop());
  beforeEach(() => world.renew());
  afterEach(async () => {
    await hub.stop();
    delete process.env.HF_TOKEN;
    delete process.env.TOKEN_OF_A_TEST;
  });

  async function serve(files: TinyFiles, behaviour: HubBehaviour = {}): Promise<void> {
    hub = await startHub(files, behaviour);
    process.env.HF_ENDPOINT = hub.url;
  }
  const from = `${REPOSITORY}@v1`;
  const modelOf = (number: number) => ({ ...tinyModel, "tokenizer/merges.txt": `hub ${number}` });
  const unet = "unet/diffusion_pytorch_model.fp16.safetensors";

  it("asks for the files that the pipeline needs, all of the commit that the revision means now", async () => {
    await serve(modelOf(1));
    const imported = await world.add({ from });
    assert.equal(imported.source, `${REPOSITORY}@${COMMIT}`);
    assert.deepEqual([...new Set(hub.asked)].sort(), [...tinyModelImported].sort());
    const prefix = `models/sd21/cuda/${imported.hash}/`;
    assert.deepEqual((await world.object(prefix + unet)).content, tinyModel[unet]);
    const small = hub.asked.filter((path) => !path.endsWith(".safetensors"));
    assert.equal(new Set(small).size, small.length);
  });

  it("gives what is at the hub the same hash as the same files in a folder", async () => {
    await serve(modelOf(2));
    const fromHub = await world.add({ from });
    const fromFolder = await world.addFrom(modelOf(2));
    assert.equal(fromFolder.hash, fromHub.hash);
    assert.equal(fromFolder.wasThere, true);
  });

  it("asks for no weights when the import is there already", async () => {
    await serve(modelOf(3));
    await world.add({ from });
    hub.asked.length = 0;
    world.writes = [];
    assert.equal((await world.add({ from })).wasThere, true);
    assert.deepEqual(world.writes, []);
    // The header of each, in two pieces.
    const weights = hub.asked.filter((path) => path.endsWith(".safetensors"));
    assert.equal(weights.length, 3 * 2);
  });

  it("goes on when the hub is busy and when a connection breaks", async () => {
    const large = { ...modelOf(4), [unet]: safetensors(300_000, 5) };
    await serve(large, { busy: 1, breaks: { path: unet, afterBytes: 50_000, times: 2 } });
    const imported = await world.add({ from });
    const { content } = await world.object(`models/sd21/cuda/${imported.hash}/${unet}`);
    assert.ok(content.equals(large[unet]!));
  });

  it("makes no object of a file that is another than the hub says", async () => {
    await serve(modelOf(5), { forged: { [unet]: safetensors(2000, 77) } });
    await assert.rejects(world.add({ from }), /unet.*is not what it was.*sha256/s);
    const large = { ...modelOf(5), [unet]: safetensors(20 * 1024 ** 2, 1) };
    await hub.stop();
    await serve(large, { forged: { [unet]: safetensors(20 * 1024 ** 2, 2) } });
    await assert.rejects(world.add({ from }), /unet.*is not what it was.*sha256/s);
    const { hash } = await world.add({ from, dryRun: true });
    const there = await world.keys(`models/sd21/cuda/${hash}/`);
    assert.deepEqual(
      there.filter((key) => key.endsWith(unet) || key.endsWith("manifest.json")),
      [],
    );
    assert.ok(world.writes.some((write) => write.startsWith("DELETE") && write.endsWith(unet)));
  });

  it("refuses a file that is cut short, and a model of pickles, and sends nothing", async () => {
    await serve({ ...modelOf(6), [unet]: safetensors(2000).subarray(0, 900) });
    await assert.rejects(world.add({ from }), /has 900 bytes, its header says/);
    await hub.stop();
    await serve(without(modelOf(6), ".safetensors"));
    await assert.rejects(world.add({ from }), /unet\/diffusion_pytorch_model.bin: pickle files/);
    assert.deepEqual(world.writes, []);
  });

  it("says how to be given a gated model, and what is wrong with a token", async () => {
    await serve(modelOf(7), { gated: true });
    await assert.rejects(
      world.add({ from }),
      /somebody\/tiny is given to those only.*accept it at http.*HF_TOKEN/s,
    );
    process.env.HF_TOKEN = STRANGER;
    await assert.rejects(world.add({ from }), /the account of the token in HF_TOKEN has not/);
    process.env.HF_TOKEN = "not a token";
    await assert.rejects(world.add({ from }), (error: Error) => {
      assert.match(error.message, /What HF_TOKEN holds is no token/);
      assert.doesNotMatch(error.message, /not a token/);
      return true;
    });
    await assert.rejects(
      world.add({ from, tokenEnv: "TOKEN_OF_A_TEST" }),
      /--token-env is "TOKEN_OF_A_TEST".*not set/,
    );
    assert.deepEqual(world.writes, []);
    process.env.TOKEN_OF_A_TEST = TOKEN;
    const { hash } = await world.add({ from, tokenEnv: "TOKEN_OF_A_TEST" });
    assert.ok((await world.keys(`models/sd21/cuda/${hash}/`)).length > 0);
  });

  it("reads the token from a secret, as text or as the console's JSON", async () => {
    const secrets = new SecretsManagerClient({ region: "us-west-2" });
    for (const [name, SecretString] of [
      ["text", TOKEN],
      ["json", JSON.stringify({ token: TOKEN })],
    ] as const)
      await secrets.send(new CreateSecretCommand({ Name: name, SecretString }));
    secrets.destroy();
    await serve(modelOf(8), { gated: true });
    await world.add({ from, tokenSecret: "text" });
    await world.add({ from, tokenSecret: "json" });
    assert.deepEqual([...hub.authorizations], [`Bearer ${TOKEN}`]);
    await assert.rejects(
      world.add({ from, tokenSecret: "nowhere" }),
      /secret nowhere: ResourceNotFoundException/,
    );
    await assert.rejects(
      world.add({ from, tokenSecret: "text", tokenEnv: "HF_TOKEN" }),
      /--token-env and --token-secret are both given/,
    );
  });

  it("shows the licence that the model's card names, with a link to its text", async () => {
    const licenceOf = async (cardData: object, files: TinyFiles = modelOf(9)) => {
      await serve(files, { cardData });
      try {
        return (await world.add({ from, dryRun: true })).licence;
      } finally {
        await hub.stop();
      }
    };
    const other = { license: "other", license_name: "their-own", license_link: "LICENSE.md" };
    const files = { ...modelOf(9), "LICENSE.md": "Their own" };
    assert.deepEqual(await licenceOf(other, files), {
      id: "their-own",
      link: `${hub.url}/${REPOSITORY}/blob/${COMMIT}/LICENSE.md`,
    });
    const linked = { license: "mit", license_link: "https://example.com/mit" };
    assert.deepEqual(await licenceOf(linked), { id: "mit", link: "https://example.com/mit" });
    assert.deepEqual(await licenceOf({}), { id: "none", link: `${hub.url}/${REPOSITORY}` });
  });

  it("asks for no weights before the licence is accepted", async () => {
    await serve(modelOf(10));
    await assert.rejects(
      world.add({ from, acceptLicence: "mit" }),
      /--accept-licence is "mit"; allowed: openrail\+\+/,
    );
    assert.deepEqual(world.writes, []);
    assert.equal(hub.asked.filter((path) => path === unet).length, 2);
  });

  it("says that there is no such model or revision", async () => {
    await serve(modelOf(11));
    await assert.rejects(world.add({ from: `${REPOSITORY}@v9` }), /no revision "v9"/);
    await assert.rejects(
      world.add({ from: "somebody/else" }),
      /no model somebody\/else, or it is private/,
    );
    const { url } = hub;
    process.env.HF_ENDPOINT = "http://127.0.0.1:1";
    await assert.rejects(world.add({ from }), /hub, http:\/\/127.0.0.1:1, cannot be reached/);
    process.env.HF_ENDPOINT = url;
  });
});
