/**
 * `model_index.json`: which pipeline a model is, and of which parts. What is allowed is what the
 * server allows (`apps/inference-server/inference_server/loading/pipeline_index.py`).
 */

import { UserError } from "../../contracts/userError";

export const INDEX_NAME = "model_index.json";

/** Parts without which a pipeline makes no image. */
const neededParts = {
  StableDiffusionPipeline: ["scheduler", "text_encoder", "tokenizer", "unet", "vae"],
  StableDiffusionXLPipeline: [
    "scheduler",
    "text_encoder",
    "text_encoder_2",
    "tokenizer",
    "tokenizer_2",
    "unet",
    "vae",
  ],
} as const;

export type PipelineClass = keyof typeof neededParts;

/** `library.class` that each part may be: who writes the index could name any class to be imported. */
const allowed: Readonly<Record<string, RegExp>> = {
  unet: /^diffusers\.UNet2DConditionModel$/,
  vae: /^diffusers\.AutoencoderKL$/,
  text_encoder: /^transformers\.CLIPTextModel$/,
  text_encoder_2: /^transformers\.CLIPTextModelWithProjection$/,
  tokenizer: /^transformers\.CLIPTokenizer(Fast)?$/,
  tokenizer_2: /^transformers\.CLIPTokenizer(Fast)?$/,
  scheduler: /^diffusers\.[A-Z]\w*Scheduler$/,
  safety_checker: /^stable_diffusion\.StableDiffusionSafetyChecker$/,
  feature_extractor: /^transformers\.CLIP(ImageProcessor|FeatureExtractor)$/,
};

/** Parts of the safety checker; a model may do without. */
const safetyParts: readonly string[] = ["safety_checker", "feature_extractor"];

/** Parts that have weights, and the name under which their library saves them. */
export const weightNames: Readonly<Record<string, string>> = {
  unet: "diffusion_pytorch_model",
  vae: "diffusion_pytorch_model",
  text_encoder: "model",
  text_encoder_2: "model",
  safety_checker: "model",
};

export interface PipelineIndex {
  readonly pipeline: PipelineClass;
  /** Names of parts, and so of their folders. */
  readonly parts: readonly string[];
  /** Of the safety checker, where the index names a whole one. */
  readonly safety: readonly string[];
  /** What the index names beside, that no image needs. */
  readonly others: readonly string[];
}

/**
 * @param text  of the file
 * @param where it is, for messages
 * @throws UserError that says what is allowed
 */
export function parseIndex(text: string, where: string): PipelineIndex {
  const index = objectIn(text, where);
  const pipeline = pipelineOf(index, where);
  const parts: readonly string[] = neededParts[pipeline];
  throwIfAny(
    where,
    parts.flatMap((part) => problemOf(part, index[part])),
  );
  const hasSafety =
    pipeline === "StableDiffusionPipeline" &&
    safetyParts.every((part) => problemOf(part, index[part]).length === 0);
  const safety = hasSafety ? safetyParts : [];
  const others = Object.keys(index).filter(
    (name) => isNamed(index[name]) && !parts.includes(name) && !safety.includes(name),
  );
  return { pipeline, parts, safety, others };
}

/** Parts of compiled graphs that optimum-neuron imports by name; the others' classes are its own. */
const importedParts: readonly string[] = [
  "tokenizer",
  "tokenizer_2",
  "scheduler",
  "feature_extractor",
];

export interface CompiledIndex {
  readonly pipeline: PipelineClass;
  /** Those of the parts imported by name that the index names. */
  readonly imported: readonly string[];
}

/**
 * The same of compiled graphs.
 *
 * @throws UserError that says what is allowed
 */
export function parseCompiledIndex(text: string, where: string): CompiledIndex {
  const index = objectIn(text, where);
  const imported = importedParts.filter((part) => isNamed(index[part]));
  throwIfAny(
    where,
    imported.flatMap((part) => problemOf(part, index[part])),
  );
  return { pipeline: pipelineOf(index, where), imported };
}

function pipelineOf(index: Record<string, unknown>, where: string): PipelineClass {
  // optimum-neuron may save its own name for the same pipeline.
  const name = String(index._class_name).replace(/^Neuron/, "");
  if (Object.hasOwn(neededParts, name)) return name as PipelineClass;
  throw new UserError(
    `${where}: _class_name is ${JSON.stringify(index._class_name)}; allowed: ${Object.keys(neededParts).join(", ")}.`,
  );
}

function isNamed(source: unknown): boolean {
  return Array.isArray(source) && source.at(-1) != null;
}

function throwIfAny(where: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new UserError([`${where}:`, ...problems].join("\n  "));
}

function objectIn(text: string, where: string): Record<string, unknown> {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${where} is not JSON: ${(error as Error).message}`);
  }
  if (typeof index !== "object" || index === null || Array.isArray(index))
    throw new UserError(`${where} is to hold an object`);
  return index as Record<string, unknown>;
}

function problemOf(part: string, source: unknown): string[] {
  const name = Array.isArray(source) ? source.join(".") : JSON.stringify(source ?? null);
  const pattern = allowed[part];
  return pattern?.test(name)
    ? []
    : [`${part} is ${name}; allowed: ${pattern?.source.replace(/[\^$\\]/g, "")}`];
}
