import { createHash } from "node:crypto";

/** What `inference-server compile` makes: a model for one kind of device, in fixed shapes. */

/** Frameworks whose models are compiled ahead: Neuron graphs, torch.compile's kernels. */
export type CompiledFramework = "neuron" | "triton";

/** All that decides what comes out. */
export interface CompileInputs {
  readonly model: string;
  readonly framework: CompiledFramework;
  /** EC2 family of the device. */
  readonly accelerator: string;
  /** Hash of the imported model that is compiled. */
  readonly source: string;
  /** Of images, `WIDTHxHEIGHT` in pixels. */
  readonly sizes: readonly string[];
  /** Images in one call. */
  readonly batch: number;
  /** Whether it makes images from images, too. */
  readonly edits: boolean;
  /** Version of neuronx-cc or torch, without its local part. */
  readonly compiler: string;
}

/**
 * The compilers in the images of our Dockerfiles: neuronx-cc of the base image of Dockerfile.neuron,
 * torch of requirements/cuda.txt.
 */
export const compilers: Readonly<Record<CompiledFramework, string>> = {
  neuron: "2.21.33363.0",
  triton: "2.8.0",
};

/**
 * The name of what is made of these: the last part of its prefix in the bucket.
 *
 * It is the beginning of the SHA-256 of the inputs as JSON without blanks, keys in alphabetical
 * order, each size once, by width and then by height (test vectors: artefactKey.vectors.json).
 *
 * @returns 16 hexadecimal digits
 */
export function artefactKey(inputs: CompileInputs): string {
  const { accelerator, batch, compiler, edits, framework, model, source } = inputs;
  const sizes = ordered(inputs.sizes);
  return createHash("sha256")
    .update(
      JSON.stringify({ accelerator, batch, compiler, edits, framework, model, sizes, source }),
    )
    .digest("hex")
    .slice(0, 16);
}

function ordered(sizes: readonly string[]): readonly string[] {
  const sides = (size: string) => size.split("x").map(Number) as [number, number];
  return [...new Set(sizes)].sort((a, b) => {
    const [[widthA, heightA], [widthB, heightB]] = [sides(a), sides(b)];
    return widthA - widthB || heightA - heightB;
  });
}

/** Object beside an artefact's that says who stores it now. */
export const STORING_NAME = "storing";

/** What the Job's container is told. */
export function compileArguments(
  inputs: CompileInputs,
  { from, to }: { readonly from: string; readonly to: string },
): readonly string[] {
  return [
    "compile",
    ...["--framework", inputs.framework],
    ...["--model", inputs.model],
    ...["--accelerator", inputs.accelerator],
    ...["--from", from],
    ...["--to", to],
    ...["--sizes", ordered(inputs.sizes).join(",")],
    ...["--batch", String(inputs.batch)],
    ...(inputs.edits ? ["--edits"] : []),
    ...["--compiler", inputs.compiler],
  ];
}
