import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Files of a model by path. */
export type TinyFiles = Readonly<Record<string, Buffer | string>>;

/** A safetensors file with one tensor of zeros and a number, so that files differ. */
export function safetensors(bytes: number, first = 0): Buffer {
  const header = Buffer.from(
    JSON.stringify({ weight: { dtype: "U8", shape: [bytes], data_offsets: [0, bytes] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const tensor = Buffer.alloc(bytes);
  if (bytes > 0) tensor[0] = first;
  return Buffer.concat([length, header, tensor]);
}

export const card = "---\nlicense: openrail++\ntags: [text-to-image]\n---\n# A tiny model\n";

const index = {
  _class_name: "StableDiffusionPipeline",
  _diffusers_version: "0.35.0",
  feature_extractor: [null, null],
  safety_checker: [null, null],
  scheduler: ["diffusers", "EulerDiscreteScheduler"],
  text_encoder: ["transformers", "CLIPTextModel"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
};

/** A Stable Diffusion pipeline as the hub has one: two variants, pickles and pictures beside. */
export const tinyModel: TinyFiles = {
  "model_index.json": JSON.stringify(index),
  "README.md": card,
  "v1-5.ckpt": "a pickle",
  "picture.png": "a picture",
  "scheduler/scheduler_config.json": "{}",
  "tokenizer/vocab.json": '{"a": 1}',
  "tokenizer/merges.txt": "a b",
  "text_encoder/config.json": "{}",
  "text_encoder/model.safetensors": safetensors(400, 1),
  "text_encoder/model.fp16.safetensors": safetensors(200, 1),
  "text_encoder/pytorch_model.bin": "a pickle",
  "unet/config.json": "{}",
  "unet/diffusion_pytorch_model.safetensors": safetensors(4000, 2),
  "unet/diffusion_pytorch_model.fp16.safetensors": safetensors(2000, 2),
  "unet/diffusion_pytorch_model.bin": "a pickle",
  "vae/config.json": "{}",
  "vae/diffusion_pytorch_model.safetensors": safetensors(800, 3),
  "vae/diffusion_pytorch_model.fp16.safetensors": safetensors(400, 3),
};

/** What the server reads of it. */
export const tinyModelImported: readonly string[] = [
  "model_index.json",
  "scheduler/scheduler_config.json",
  "text_encoder/config.json",
  "text_encoder/model.fp16.safetensors",
  "tokenizer/merges.txt",
  "tokenizer/vocab.json",
  "unet/config.json",
  "unet/diffusion_pytorch_model.fp16.safetensors",
  "vae/config.json",
  "vae/diffusion_pytorch_model.fp16.safetensors",
];

const compiled = JSON.stringify({ neuron: { compiler_version: "2.21", static_batch_size: 1 } });

/** The same, compiled, as optimum-neuron writes it. */
export const tinyGraphs: TinyFiles = {
  "model_index.json": JSON.stringify({
    ...index,
    _class_name: "NeuronStableDiffusionPipeline",
    unet: ["optimum", "NeuronModelUnet"],
  }),
  "README.md": card,
  "scheduler/scheduler_config.json": "{}",
  "tokenizer/vocab.json": '{"a": 1}',
  "tokenizer/merges.txt": "a b",
  ...Object.fromEntries(
    ["text_encoder", "unet", "vae_decoder", "vae_encoder"].flatMap((part) => [
      [`${part}/model.neuron`, `graph of ${part}`],
      [`${part}/config.json`, compiled],
    ]),
  ),
};

/** Without some files, named by how their paths begin or end. */
export function without(files: TinyFiles, ...ends: readonly string[]): TinyFiles {
  return Object.fromEntries(
    Object.entries(files).filter(
      ([path]) => !ends.some((end) => path.startsWith(end) || path.endsWith(end)),
    ),
  );
}

export function writeFiles(folder: string, files: TinyFiles): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}
