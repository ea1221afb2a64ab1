import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { describeOnMoto } from "../../python/moto";
import { BUCKET, type ImportOptions, ImportWorld } from "./importWorld";
import {
  safetensors,
  type TinyFiles,
  tinyGraphs,
  tinyModel,
  tinyModelImported,
  without,
} from "./tinyModel";

const repository = resolve(__dirname, "../../..");
const server = join(repository, "apps/inference-server");
const serverPython = join(server, ".venv/bin/python");

describeOnMoto("fleet model add from a folder", (moto) => {
  const world = new ImportWorld();
  before(() => world.start(moto()));
  after(() => world.stop());
  beforeEach(() => world.renew());

  /** A model of whose files each has its own number, so that no test finds another's import. */
  const modelOf = (number: number) => ({ ...tinyModel, "tokenizer/merges.txt": `a b ${number}` });

  it("sends what the pipeline needs and nothing else, and the manifest last", async () => {
    const imported = await world.addFrom(modelOf(1));
    const prefix = `models/sd21/cuda/${imported.hash}/`;
    assert.equal(imported.destination, `s3://${BUCKET}/${prefix}`);
    const wanted = [...tinyModelImported, "manifest.json"].map((path) => prefix + path).sort();
    assert.deepEqual(await world.keys(prefix), wanted);
    assert.deepEqual(world.writes.at(-1), `PUT ${prefix}manifest.json`);
    assert.equal(world.writes.length, wanted.length);
    assert.deepEqual(imported.sent, { files: 10, bytes: imported.bytes });
    assert.equal(imported.variant, "fp16");
  });

  it("names each file's size and SHA-256 in the manifest, and gives S3 the same to check", async () => {
    const imported = await world.addFrom(modelOf(2));
    const prefix = `models/sd21/cuda/${imported.hash}/`;
    const manifest = JSON.parse(String((await world.object(`${prefix}manifest.json`)).content));
    assert.equal(manifest.model, "sd21");
    assert.equal(manifest.licence, "openrail++");
    assert.deepEqual(Object.keys(manifest.files), [...tinyModelImported]);
    for (const [path, file] of Object.entries(manifest.files)) {
      const { content, ChecksumSHA256 } = await world.object(prefix + path);
      const sha256 = createHash("sha256").update(content).digest();
      assert.deepEqual(file, { sha256: sha256.toString("hex"), bytes: content.length });
      assert.equal(ChecksumSHA256, sha256.toString("base64"));
    }
  });

  it("sends nothing the second time, and says so", async () => {
    const first = await world.addFrom(modelOf(3));
    world.writes = [];
    const second = await world.addFrom(modelOf(3));
    assert.deepEqual(world.writes, []);
    assert.deepEqual([first.wasThere, second.wasThere], [false, true]);
    assert.equal(second.hash, first.hash);
  });

  it("goes on where an interrupted run has stopped, and takes that one for no import", async () => {
    let puts = 0;
    world.decide = ({ method }) => {
      if (method !== "PUT") return "pass";
      puts += 1;
      return puts > 4 ? "refuse" : "pass";
    };
    await assert.rejects(world.addFrom(modelOf(4)), /AWS refuses writing s3:\/\//);
    const { hash } = await world.addFrom(modelOf(4), { dryRun: true });
    const there = await world.keys(`models/sd21/cuda/${hash}/`);
    assert.equal(there.length, 4);
    assert.ok(!there.some((key) => key.endsWith("manifest.json")));
    world.decide = () => "pass";
    world.writes = [];
    const imported = await world.addFrom(modelOf(4));
    assert.equal(imported.sent?.files, tinyModelImported.length - 4);
    assert.deepEqual(
      world.writes.filter((write) => there.some((key) => write.endsWith(key))),
      [],
    );
    assert.equal((await world.addFrom(modelOf(4))).wasThere, true);
  });

  it("sends a file again that is there with another content of the same length", async () => {
    const { hash } = await world.addFrom(modelOf(5), { dryRun: true });
    const key = `models/sd21/cuda/${hash}/unet/diffusion_pytorch_model.fp16.safetensors`;
    await world.put(key, safetensors(2000, 9));
    const imported = await world.addFrom(modelOf(5));
    assert.equal(imported.sent?.files, tinyModelImported.length);
    assert.deepEqual((await world.object(key)).content, safetensors(2000, 2));
  });

  it("sends a file in parts when it is large, without its whole in memory", async () => {
    const large = safetensors(40 * 1024 ** 2, 7);
    const files = { ...modelOf(6), "unet/diffusion_pytorch_model.fp16.safetensors": large };
    const imported = await world.addFrom(files);
    const key = `models/sd21/cuda/${imported.hash}/unet/diffusion_pytorch_model.fp16.safetensors`;
    const stored = await world.object(key);
    assert.ok(stored.content.equals(large));
    assert.match(stored.ETag!, /-6"$/);
    assert.ok(world.largestBody < 9 * 1024 ** 2);
  });

  it("refuses a file that is cut short, and a part that is missing, before anything is sent", async () => {
    const cut = safetensors(2000).subarray(0, 1500);
    const fp16 = "unet/diffusion_pytorch_model.fp16.safetensors";
    await assert.rejects(
      world.addFrom({ ...modelOf(7), [fp16]: cut }),
      /unet\/diffusion_pytorch_model.fp16.safetensors: has 1500 bytes, its header says 2\d{3}/,
    );
    await assert.rejects(world.addFrom(without(modelOf(7), "vae/")), /vae: has no files/);
    await assert.rejects(
      world.addFrom(without(modelOf(7), "unet/diffusion_pytorch_model")),
      /unet\/diffusion_pytorch_model.safetensors: is missing/,
    );
    assert.deepEqual(world.writes, []);
  });

  it("refuses a model that is there as pickles only, and names them", async () => {
    await assert.rejects(
      world.addFrom(without(modelOf(8), ".safetensors")),
      /text_encoder\/pytorch_model.bin: pickle files are not taken.*\n.*unet\/diffusion_pytorch_model.bin/s,
    );
    await assert.rejects(world.addFrom({ "v1-5.ckpt": "a pickle" }), /v1-5.ckpt: pickle files/);
    assert.deepEqual(world.writes, []);
  });

  it("takes the plain weights where a part has no others", async () => {
    const imported = await world.addFrom(
      without(modelOf(9), "vae/diffusion_pytorch_model.fp16.safetensors"),
    );
    assert.equal(imported.variant, null);
    const keys = await world.keys(`models/sd21/cuda/${imported.hash}/`);
    assert.deepEqual(
      keys.filter((key) => key.includes("fp16")),
      [],
    );
    assert.equal(keys.filter((key) => key.endsWith(".safetensors")).length, 3);
  });

  it("takes the safety checker where the model's config wants it, and refuses a model without", async () => {
    await assert.rejects(
      world.addFrom(modelOf(10), { model: "checked" }),
      /names no safety checker, which models.NAME.safetyChecker wants/,
    );
    const index = JSON.parse(String(tinyModel["model_index.json"]));
    const files = {
      ...modelOf(10),
      "model_index.json": JSON.stringify({
        ...index,
        safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"],
        feature_extractor: ["transformers", "CLIPImageProcessor"],
      }),
      "feature_extractor/preprocessor_config.json": "{}",
      "safety_checker/config.json": "{}",
    };
    await assert.rejects(
      world.addFrom(files, { model: "checked" }),
      /safety_checker\/model.safetensors: is missing/,
    );
    assert.deepEqual((await world.addFrom(files)).leftOut, ["safety_checker", "feature_extractor"]);
    const whole = { ...files, "safety_checker/model.fp16.safetensors": safetensors(10) };
    const imported = await world.addFrom(whole, { model: "checked" });
    assert.equal(imported.files, tinyModelImported.length + 3);
  });

  it("imports a folder of compiled graphs as a whole, and nothing of PyTorch's beside", async () => {
    const imported = await world.addFrom(tinyGraphs, { framework: "neuron" });
    const prefix = `models/sd21/neuron/${imported.hash}/`;
    const wanted = [...Object.keys(tinyGraphs), "manifest.json"].map((path) => prefix + path);
    assert.deepEqual(await world.keys(prefix), wanted.sort());
    world.writes = [];
    const bad = { ...without(tinyGraphs, "vae_decoder/model.neuron"), "unet/weights.pt": "pickle" };
    await assert.rejects(
      world.addFrom(bad, { framework: "neuron" }),
      /vae_decoder\/model.neuron: is missing.*unet\/weights.pt: pickle files/s,
    );
    assert.deepEqual(world.writes, []);
  });

  it("wants of compiled graphs the feature extractor that the index names, checked or not", async () => {
    const index = JSON.parse(String(tinyGraphs["model_index.json"]));
    const graphs = {
      ...tinyGraphs,
      "model_index.json": JSON.stringify({
        ...index,
        feature_extractor: ["transformers", "CLIPImageProcessor"],
      }),
    };
    const extractor = "feature_extractor/preprocessor_config.json";
    const add = (files: TinyFiles) => world.addFrom(files, { framework: "neuron", dryRun: true });
    await assert.rejects(add(graphs), new RegExp(`${extractor}: is missing`));
    const whole = await add({ ...graphs, [extractor]: "{}" });
    assert.equal(whole.files, Object.keys(graphs).length + 1);
  });

  it("keeps what a folder's own manifest says beside its files, and refuses one that does not fit", async () => {
    const config = tinyGraphs["unet/config.json"]!;
    const sha256 = createHash("sha256").update(config).digest("hex");
    const own = {
      model: "other",
      device: "trn1",
      files: { "unet/config.json": { sha256, bytes: config.length } },
    };
    const graphs = {
      ...tinyGraphs,
      "tokenizer/merges.txt": "own",
      "manifest.json": JSON.stringify(own),
    };
    const imported = await world.addFrom(graphs, { framework: "neuron" });
    const key = `models/sd21/neuron/${imported.hash}/manifest.json`;
    const manifest = JSON.parse(String((await world.object(key)).content));
    assert.deepEqual([manifest.model, manifest.device], ["sd21", "trn1"]);
    await assert.rejects(
      world.addFrom({ ...graphs, "unet/config.json": "{}" }, { framework: "neuron" }),
      /unet\/config.json: its sha256 is not/,
    );
  });

  it("sends nothing unless the licence is accepted by its id, given or typed", async () => {
    const refuse = (options: ImportOptions, ask?: () => Promise<string>) =>
      assert.rejects(world.addFrom(modelOf(11), options, ask), (error: Error) => {
        assert.match(error.message, /licence is "openrail\+\+": .*README\.md/);
        return true;
      });
    await refuse({ acceptLicence: undefined });
    await refuse({ acceptLicence: "mit" });
    await refuse({ acceptLicence: undefined }, async () => "yes");
    assert.deepEqual(world.writes, []);
    const typed = await world.addFrom(
      modelOf(11),
      { acceptLicence: undefined },
      async (question) => {
        assert.match(question, /openrail\+\+/);
        return " openrail++ ";
      },
    );
    assert.equal(typed.licence.id, "openrail++");
  });

  it("reads the licence of a folder from its card or its text", async () => {
    const files = without(modelOf(12), "README.md");
    const licenceOf = async (more: Record<string, string>) =>
      (await world.addFrom({ ...files, ...more }, { dryRun: true })).licence.id;
    assert.equal(await licenceOf({}), "none");
    assert.equal(await licenceOf({ LICENSE: "MIT License\n\nCopyright" }), "mit");
    assert.equal(
      await licenceOf({ "LICENSE.md": "Copyright (c) 2022\n\nCreativeML Open RAIL++-M License" }),
      "openrail++",
    );
    assert.equal(
      await licenceOf({ "README.md": "---\nlicense: other\nlicense_name: my-own\n---\n" }),
      "my-own",
    );
  });

  it("gives the same files the same hash wherever they are, and any other byte another", async () => {
    const hashOf = async (files: TinyFiles) => (await world.addFrom(files, { dryRun: true })).hash;
    const fixed = await hashOf(tinyModel);
    assert.equal(fixed, await hashOf(Object.fromEntries(Object.entries(tinyModel).reverse())));
    // Calculated by another program from the sentence in cli/model/manifest.ts.
    assert.equal(fixed, "dd5d1c1cb8865228");
    const changed = {
      ...tinyModel,
      "unet/diffusion_pytorch_model.fp16.safetensors": safetensors(2000, 3),
    };
    assert.notEqual(await hashOf(changed), fixed);
  });

  it("writes the hash into the stack's file where asked to, and leaves the rest of it", async () => {
    const before = world.stackText();
    const planned = await world.addFrom(modelOf(13));
    assert.equal(world.stackText(), before);
    const key = "diffusion-fleet:models.sd21.artefacts.cuda";
    assert.equal(
      planned.setting.command,
      `pulumi config set --stack dev --path '${key}' ${planned.hash}`,
    );
    const { hash, setting } = await world.addFrom(modelOf(13), { apply: true });
    assert.equal(setting.file, "Pulumi.dev.yaml");
    const after = world.stackText();
    assert.equal(parse(after).config["diffusion-fleet:models"].sd21.artefacts.cuda, hash);
    assert.match(after, /sd21: \{ artefacts: \{ cuda: .* \} \} # the first/);
    assert.equal(after.replace(/\{ artefacts: .* \} # the/, "{} # the"), before);
  });

  it("looks at everything and sends nothing in a dry run", async () => {
    const imported = await world.addFrom(modelOf(14), {
      dryRun: true,
      apply: true,
      acceptLicence: undefined,
    });
    assert.deepEqual(world.writes, []);
    assert.deepEqual(imported.sent, { files: 10, bytes: imported.bytes });
    assert.equal(imported.setting.file, null);
  });

  it("takes the bucket of the stack's config, and says which option is missing where there is none", async () => {
    await assert.rejects(world.addFrom(modelOf(15), { bucket: undefined }), /--bucket BUCKET/);
    const store = `  diffusion-fleet:modelStore: { existingBucket: ${BUCKET}, prefix: own/place/ }\n`;
    writeFileSync(world.stackFile, world.stackText() + store);
    const { destination, hash } = await world.addFrom(modelOf(15), { bucket: undefined });
    assert.equal(destination, `s3://${BUCKET}/own/place/sd21/cuda/${hash}/`);
  });

  it("names the option, its value, what is allowed, and what was probably meant", async () => {
    const refused: readonly (readonly [options: ImportOptions, message: RegExp])[] = [
      [
        { framework: "tritn" },
        /--framework is "tritn"; allowed: cuda, triton, neuron. Did you mean "triton"\?/,
      ],
      [{ model: "sd2l" }, /no model "sd2l"; it has sd21, checked. Did you mean "sd21"\?/],
      [{ model: "SD21" }, /name is "SD21"; allowed: a letter first.*Did you mean "sd21"\?/],
      [{ stack: "dve" }, /no stack "dve".*Did you mean "dev"/],
      [{ bucket: "s3://bucket" }, /--bucket is "s3:\/\/bucket"; allowed: a bucket's name/],
      [{ bucket: "nobodys-bucket" }, /NoSuchBucket/],
      [{ from: "./nowhere" }, /--from is "\.\/nowhere", and there is no such folder/],
      [{ from: "two words" }, /--from is "two words".*OWNER\/NAME\[@REVISION\]/],
      [{ from: world.stackFile }, /--from is .*, a file; allowed: a folder/],
    ];
    for (const [options, message] of refused)
      await assert.rejects(world.addFrom(modelOf(16), options), (error: Error) => {
        assert.equal(error.name, "UserError");
        assert.match(error.message, message);
        return true;
      });
    assert.deepEqual(world.writes, []);
  });

  it("imports a model that the config does not have yet", async () => {
    const imported = await world.addFrom(modelOf(17), { model: "sdxl", apply: true });
    assert.match(imported.destination!, /\/models\/sdxl\/cuda\//);
    assert.deepEqual(parse(world.stackText()).config["diffusion-fleet:models"].sdxl, {
      artefacts: { cuda: imported.hash },
    });
  });

  it("prints one object by --json, or a table with the command that sets the hash", async () => {
    writeFileSync(
      join(world.root, "project.ts"),
      `export { project } from ${JSON.stringify(join(repository, "cli/project"))};\n`,
    );
    const dry = await world.addFrom(modelOf(19), { dryRun: true });
    const command = (...more: readonly string[]) => [
      ...["model", "add", "sd21", "--from", join(world.root, "model"), "--framework", "cuda"],
      ...["--bucket", BUCKET, "--accept-licence", "openrail++", ...more],
    ];
    const first = await world.fleet(command("--json"));
    assert.equal(first.status, 0, first.stderr);
    assert.deepEqual(JSON.parse(first.stdout), { ...dry, dryRun: false });
    const second = await world.fleet(command());
    assert.match(second.stdout, /nothing: this import is there already/);
    assert.ok(second.stdout.includes(dry.setting.command));
    const wrong = await world.fleet(["model", "add", "sd21", "--from", "x", "--framework", "cud"]);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /--framework is "cud"; .* Did you mean "cuda"\?/);
  });

  const title = "gives the server what it finds whole and verifies";
  if (existsSync(serverPython))
    it(title, async () => {
      const folder = await world.download(await world.addFrom(modelOf(18)));
      const look = () =>
        spawnSync(serverPython, ["-c", VERIFY, folder], { cwd: server, encoding: "utf8" });
      const { status, stdout, stderr } = look();
      assert.equal(status, 0, stderr);
      assert.deepEqual(JSON.parse(stdout).sort(), [...tinyModelImported, "manifest.json"].sort());
      writeFileSync(join(folder, "tokenizer/merges.txt"), "x y 18");
      assert.match(look().stderr, /tokenizer\/merges.txt: its sha256 is not/);
    });
  else it.skip(`${title} (skipped: apps/inference-server/.venv is not there)`);
});

/** The server's own functions, on a folder. */
const VERIFY = `
import json, sys
from pathlib import Path
from inference_server.loading.manifest import verify
from inference_server.loading.model_files import find_model
folder = Path(sys.argv[1])
verify(folder, hashes=True)
print(json.dumps(find_model(folder, safety_checker=False, variants=["fp16"]).files))
`;
