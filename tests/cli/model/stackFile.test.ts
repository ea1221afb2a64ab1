import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { setInStackFile } from "../../../cli/stackFile";
import { UserError } from "../../../contracts/userError";

const root = resolve(__dirname, "../../..");
const models = "diffusion-fleet:models";

describe("setting a value in a stack's file", () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-stack-file-"));
    file = join(folder, "Pulumi.dev.yaml");
  });
  after(() => rmSync(folder, { recursive: true }));

  function set(text: string, path: readonly (string | number)[], value: unknown): string {
    writeFileSync(file, text);
    setInStackFile(file, path, value);
    return readFileSync(file, "utf8");
  }

  for (const stack of ["dev", "prod"])
    it(`leaves every other byte of stack ${stack} as it is`, () => {
      const text = readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8");
      const edited = set(text, [models, "sd21", "artefacts", "triton"], "0a1b2c3d4e5f6071");
      const lines = edited.split("\n");
      const changed = text.split("\n").filter((line) => !lines.includes(line));
      assert.ok(changed.length <= 1, changed.join("\n"));
      assert.equal(parse(edited).config[models].sd21.artefacts.triton, "0a1b2c3d4e5f6071");
    });

  const path = [models, "sd21", "artefacts", "cuda"];
  const hash = "00000000";
  const cases: readonly (readonly [style: string, before: string, after: string])[] = [
    [
      "an empty object",
      `config:\n  ${models}:\n    sd21: {} # the first\n  other: 1\n`,
      `config:\n  ${models}:\n    sd21: { artefacts: { cuda: "00000000" } } # the first\n  other: 1\n`,
    ],
    [
      "a block",
      `# top\nconfig:\n  ${models}:\n    sd21:\n      artefacts:\n        neuron: 'ab12' # old\n      # below\n    sdxl: {}\n`,
      `# top\nconfig:\n  ${models}:\n    sd21:\n      artefacts:\n        neuron: 'ab12' # old\n        cuda: "00000000"\n      # below\n    sdxl: {}\n`,
    ],
    [
      "an object on one line",
      `config:\n  ${models}: {sd21: {pathPrefix: /a,   artefacts: {neuron: ab12}}}\n`,
      `config:\n  ${models}: {sd21: {pathPrefix: /a,   artefacts: {neuron: ab12, cuda: "00000000"}}}\n`,
    ],
    [
      "a value that is there",
      `config:\n  ${models}:\n    sd21:\n      artefacts: { cuda: 'ffffffff', neuron: ab12 }   # kept\n`,
      `config:\n  ${models}:\n    sd21:\n      artefacts: { cuda: "00000000", neuron: ab12 }   # kept\n`,
    ],
    [
      "a key without a value",
      `config:\n  ${models}:\n    sd21: # none yet\n    sdxl: {}\n`,
      `config:\n  ${models}:\n    sd21: { artefacts: { cuda: "00000000" } } # none yet\n    sdxl: {}\n`,
    ],
    [
      "a file without the key, nor a newline at its end",
      "config:\n  aws:region: us-west-2",
      `config:\n  aws:region: us-west-2\n  ${models}: { sd21: { artefacts: { cuda: "00000000" } } }\n`,
    ],
  ];
  for (const [style, text, wanted] of cases)
    it(`writes into ${style}`, () => assert.equal(set(text, path, hash), wanted));

  it("writes an object, and into a file that is empty", () => {
    const value = { throughput: 12, latencySeconds: 4.8 };
    const edited = set("", ["diffusion-fleet:units", "sdxl-inf2", "measurement"], value);
    assert.deepEqual(parse(edited).config["diffusion-fleet:units"], {
      "sdxl-inf2": { measurement: value },
    });
  });

  it("tells what was there before, and touches nothing when it is the same", () => {
    const text = `config: { ${models}: { sd21: { artefacts: { cuda: ab12 } } } }\n`;
    writeFileSync(file, text);
    assert.deepEqual(setInStackFile(file, path, "ab12").changed, false);
    assert.equal(readFileSync(file, "utf8"), text);
    const { key, before, after, changed } = setInStackFile(file, path, hash);
    assert.deepEqual([before, after, changed], ["ab12", hash, true]);
    assert.equal(key, `${models}.sd21.artefacts.cuda`);
  });

  it("refuses a file in which something else is in the way, and leaves it as it is", () => {
    for (const text of [
      `config:\n  ${models}: text\n`,
      `config:\n  ${models}: [1]\n`,
      `config:\n  a: &x { sd21: {} }\n  ${models}: *x\n`,
      "config: [\n",
    ]) {
      assert.throws(() => set(text, path, hash), UserError);
      assert.equal(readFileSync(file, "utf8"), text);
    }
  });
});
