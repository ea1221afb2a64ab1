import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type PackOptions, packModel } from "../../../cli/model/pack";
import type { Imported } from "../../../cli/model/report";
import { checkContainer } from "../../../cli/model/serverContainer";
import { containerRequirements, serverFiles } from "../../../cli/model/serverFiles";
import { describeOnMoto } from "../../python/moto";
import { BUCKET, ImportWorld } from "./importWorld";
import { tinyModel, tinyModelImported } from "./tinyModel";

const image =
  "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker";

/** A wheel for no machine in particular, in a folder of its own, and requirements that name it. */
function tinyWheel(root: string, digest?: string): { requirements: string; links: string } {
  const links = mkdtempSync(join(root, "wheels-"));
  const wheel = join(links, "tiny-1.0-py3-none-any.whl");
  const script = [
    "import sys, zipfile",
    "with zipfile.ZipFile(sys.argv[1], 'w') as wheel:",
    "    wheel.writestr('tiny.py', 'TINY = 1')",
    "    wheel.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')",
    "    wheel.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')",
    "    wheel.writestr('tiny-1.0.dist-info/RECORD', '')",
    "import hashlib; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())",
  ].join("\n");
  const { stdout } = spawnSync("python3", ["-c", script, wheel], { encoding: "utf8" });
  const requirements = join(links, "requirements.txt");
  writeFileSync(
    requirements,
    `--no-index\n--find-links ${links}\ntiny==1.0 --hash=sha256:${digest ?? stdout.trim()}\n`,
  );
  return { requirements, links };
}

describeOnMoto("fleet model pack", (moto) => {
  const world = new ImportWorld();
  let requirements: string;
  before(async () => {
    await world.start(moto());
    ({ requirements } = tinyWheel(world.root));
  });
  after(() => world.stop());
  beforeEach(() => world.renew());

  const pack = (options: Partial<PackOptions> = {}, needs = requirements): Promise<Imported> =>
    packModel(
      world.root,
      "sd21",
      {
        framework: "cuda",
        container: image,
        stack: "dev",
        bucket: BUCKET,
        apply: false,
        dryRun: false,
        ...options,
      },
      { begin: () => () => undefined, end: () => undefined },
      (folder, python) => serverFiles(folder, python, needs),
    );
  const importOf = (number: number) =>
    world.addFrom({ ...tinyModel, "tokenizer/merges.txt": `a b ${number}` });

  it("makes an artefact of the model, our package and the wheels, its manifest last", async () => {
    const imported = await importOf(1);
    world.writes = [];
    const packed = await pack({ artefact: imported.hash });
    const prefix = `models/sd21/cuda/${packed.hash}/`;
    assert.notEqual(packed.hash, imported.hash);
    assert.equal(packed.destination, `s3://${BUCKET}/${prefix}`);
    const paths = (await world.keys(prefix)).map((key) => key.slice(prefix.length));
    for (const path of [
      ...tinyModelImported,
      "MAR-INF/MANIFEST.json",
      "model-config.yaml",
      "code/inference.py",
      "code/requirements.txt",
      "code/start/pyproject.toml",
      "code/start/start.py",
      "code/inference_server/__main__.py",
      "code/inference_server/torchserve/handler.py",
      "code/wheels/tiny-1.0-py3-none-any.whl",
    ])
      assert.ok(paths.includes(path), path);
    assert.deepEqual(
      paths.filter((path) => /__pycache__|\.pyc$/.test(path)),
      [],
    );
    assert.equal(world.writes.at(-1), `PUT ${prefix}manifest.json`);
    assert.equal(world.writes.length, paths.length);
  });

  it("names each file's size and SHA-256, the container and the model's own facts in the manifest", async () => {
    const imported = await importOf(2);
    const packed = await pack({ artefact: imported.hash });
    const prefix = `models/sd21/cuda/${packed.hash}/`;
    const manifest = JSON.parse(String((await world.object(`${prefix}manifest.json`)).content));
    assert.equal(manifest.container, image);
    assert.equal(manifest.licence, "openrail++");
    assert.equal(Object.keys(manifest.files).length, packed.files);
    for (const [path, file] of Object.entries(manifest.files)) {
      const { content, Metadata } = await world.object(prefix + path);
      const sha256 = createHash("sha256").update(content).digest("hex");
      assert.deepEqual(file, { sha256, bytes: content.length }, path);
      assert.equal(Metadata?.sha256, sha256, path);
    }
  });

  it("comes to the same hash and sends nothing the second time, from the import or from itself", async () => {
    const imported = await importOf(3);
    const first = await pack({ artefact: imported.hash });
    world.writes = [];
    for (const artefact of [imported.hash, first.hash]) {
      const again = await pack({ artefact });
      assert.deepEqual([again.hash, again.wasThere, again.sent?.files], [first.hash, true, 0]);
    }
    assert.deepEqual(world.writes, []);
  });

  it("goes on where an interrupted run has stopped", async () => {
    const imported = await importOf(4);
    let puts = 0;
    world.decide = ({ method }) => {
      if (method !== "PUT") return "pass";
      puts += 1;
      return puts > 20 ? "refuse" : "pass";
    };
    await assert.rejects(
      pack({ artefact: imported.hash }),
      /AWS refuses (writing|copying) s3:\/\//,
    );
    world.decide = () => "pass";
    const packed = await pack({ artefact: imported.hash });
    assert.equal(packed.sent?.files, packed.files - 20);
    assert.equal((await pack({ artefact: imported.hash })).wasThere, true);
  });

  it("packs the import that the stack's file names, and with --apply names the artefact where it is loaded", async () => {
    await assert.rejects(
      pack(),
      /Which import of sd21\? Give its hash as --artefact HASH, or set diffusion-fleet:models.sd21.artefacts.cuda/,
    );
    const imported = await world.addFrom(
      { ...tinyModel, "tokenizer/merges.txt": "a b 5" },
      { apply: true },
    );
    await assert.rejects(pack({ apply: true }), /--apply wants --at KEY/);
    await assert.rejects(
      pack({ apply: true, at: "models.sd21" }),
      /--at is "models.sd21"; allowed/,
    );
    const at = "componentEndpoints.shared.components.faces";
    const packed = await pack({ apply: true, at });
    assert.notEqual(packed.hash, imported.hash);
    const { config } = parse(world.stackText());
    assert.equal(
      config["diffusion-fleet:sagemaker"].componentEndpoints.shared.components.faces.artefact,
      packed.hash,
    );
    assert.equal(config["diffusion-fleet:models"].sd21.artefacts.cuda, imported.hash, "units'");
  });

  it("sends nothing in a dry run, and says what it would", async () => {
    const imported = await importOf(6);
    world.writes = [];
    const packed = await pack({ artefact: imported.hash, dryRun: true });
    assert.deepEqual(world.writes, []);
    assert.equal(packed.sent?.files, packed.files);
    assert.equal((await pack({ artefact: imported.hash })).hash, packed.hash);
  });

  it("refuses an import that is not there or not whole, before anything is sent", async () => {
    await assert.rejects(
      pack({ artefact: "0123456789abcdef" }),
      /s3:\/\/models-of-a-test\/models\/sd21\/cuda\/0123456789abcdef\/ is no whole import: it has no manifest.json.*fleet model add/,
    );
    const { content } = await world.object(
      `models/sd21/cuda/${(await importOf(7)).hash}/manifest.json`,
    );
    world.writes = [];
    await world.put("models/sd21/cuda/fedcba9876543210/manifest.json", content);
    await assert.rejects(
      pack({ artefact: "fedcba9876543210" }),
      /files of its manifest.json are missing/,
    );
    assert.deepEqual(world.writes, []);
  });

  it("refuses a wheel that is not what its hash says", async () => {
    const imported = await importOf(8);
    world.writes = [];
    const other = tinyWheel(world.root, "0".repeat(64));
    await assert.rejects(
      pack({ artefact: imported.hash }, other.requirements),
      /pip cannot download the packages of .*requirements.txt for Python 3.11:\n.*HASH/s,
    );
    assert.deepEqual(world.writes, []);
  });
});

describe("the container of fleet model pack", () => {
  const refused = (container: string, framework: "cuda" | "triton" | "neuron" = "cuda") => {
    try {
      checkContainer(framework, container, "us-west-2");
    } catch (error) {
      return String(error);
    }
    return assert.fail(`${container} is taken`);
  };

  it("is one that SageMaker caches; of others the nearest is named", () => {
    assert.deepEqual(checkContainer("cuda", image, "us-west-2"), { image, python: "3.11" });
    assert.match(refused(image.replace("2.5.1", "2.4.0")), /does not cache.*2\.5\.1-gpu-py311/);
    assert.match(
      refused("docker.io/library/python:3.11"),
      /does not cache.*pytorch-inference:2\.5\.1-gpu/,
    );
  });

  it("gives its Python: wheels are for one version", () => {
    const later = image.replace("2.5.1-gpu-py311", "2.6.0-gpu-py312");
    assert.equal(checkContainer("cuda", later, "us-west-2").python, "3.12");
  });

  it("is none of those with another server or without a GPU", () => {
    const djl = "763104351884.dkr.ecr.us-west-2.amazonaws.com/djl-inference:0.31.0-lmi13.0.0-cu124";
    assert.match(refused(djl), /LMI\), where the server cannot run.*pytorch-inference:2\.5\.1-gpu/);
    assert.match(refused(image.replace("gpu-py311-cu124", "cpu-py311")), /Pytorch-CPU/);
  });

  it("keeps its own torch, and what is built against it", () => {
    const pinned = [...readFileSync(containerRequirements, "utf8").matchAll(/^([\w.-]+)==/gm)];
    const names = pinned.map(([, name]) => name!);
    assert.ok(names.includes("diffusers"));
    assert.deepEqual(
      names.filter((name) => /^(torch.*|numpy|triton|nvidia-.*-cu\d+|sympy)$/.test(name)),
      [],
    );
  });

  it("is none for Neuron and torch.compile, and it is said why", () => {
    assert.match(refused(image, "neuron"), /allowed: cuda.*torch-neuronx 2\.1\.2.*2\.8/);
    assert.match(refused(image, "triton"), /allowed: cuda.*torch 2\.5\.1/);
  });
});
