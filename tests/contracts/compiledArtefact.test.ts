import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  artefactKey,
  type CompileInputs,
  compilers,
  STORING_NAME,
} from "../../contracts/compiledArtefact";

const root = resolve(__dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

describe("The name of a compiled artefact", () => {
  it("is the one that `inference-server compile` works out, too", () => {
    const { vectors } = JSON.parse(read("contracts/artefactKey.vectors.json")) as {
      readonly vectors: readonly { readonly inputs: CompileInputs; readonly key: string }[];
    };
    assert.ok(vectors.length >= 3);
    for (const { inputs, key } of vectors) assert.equal(artefactKey(inputs), key);
  });

  it("has the object beside it that the Job may read and write, and no other", () => {
    const store = read("apps/inference-server/inference_server/compiling/s3_store.py");
    assert.equal(/^STORING_NAME = "(.+)"$/m.exec(store)?.[1], STORING_NAME);
  });

  it("rests on the compilers that the images have", () => {
    const [, neuronxcc] = /'neuronx-cc': '([\d.]+)'/.exec(
      read("apps/inference-server/Dockerfile.neuron"),
    )!;
    const [, torch] = /^torch==([\d.]+)/m.exec(
      read("apps/inference-server/requirements/cuda.txt"),
    )!;
    assert.deepEqual(compilers, { neuron: neuronxcc, triton: torch });
  });
});
