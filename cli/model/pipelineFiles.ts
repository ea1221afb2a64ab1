/** Which of a model's files its pipeline reads, as the server finds them; safetensors only. */

import { UserError } from "../../contracts/userError";
import { INDEX_NAME, type PipelineIndex, weightNames } from "./pipelineIndex";

/** Files that run code when they are read, or that no framework here reads. */
export const REFUSED_SUFFIX = /\.(bin|ckpt|pt|pth|pkl|msgpack|onnx|h5)$/;

/** What libraries read beside weights: configurations, vocabularies. */
const SMALL_SUFFIX = /\.(json|txt|model)$/;

export interface PipelineFiles {
  /** The index first. */
  readonly paths: readonly string[];
  /** `fp16`: the weights' names have it. Absent: the plain ones. */
  readonly variant: string | undefined;
  /** Parts that the index names and that are left out: no image needs them, or they have no files. */
  readonly leftOut: readonly string[];
}

/**
 * @param names    of all files, relative to the model
 * @param variants preferred ones, e.g. `fp16`; taken where every part with weights has it
 * @param where    the model is, for messages
 * @param wantsSafety whether images are looked at by the safety checker, so that it must be there
 * @throws UserError that names all that is missing, and the pickle files that are there instead
 */
export function pipelineFiles(
  names: readonly string[],
  index: PipelineIndex,
  variants: readonly string[],
  where: string,
  wantsSafety: boolean,
): PipelineFiles {
  if (wantsSafety && index.safety.length === 0)
    throw new UserError(
      `${where}/${INDEX_NAME} names no safety checker, which models.NAME.safetyChecker wants; ` +
        "add its folders to the model, or set that to false.",
    );
  const wanted = wantsSafety ? [...index.parts, ...index.safety] : index.parts;
  const variant = variants.find((each) => wanted.every((part) => hasWeights(names, part, each)));
  const found = wanted.map((part) => partFiles(names, part, variant));
  const problems = found.flatMap((part) => part.problems);
  if (problems.length > 0) throw new UserError([`${where}:`, ...problems].join("\n  "));
  const safety = wantsSafety ? [] : index.safety.map((part) => partFiles(names, part, variant));
  const isSafetyWhole = safety.every((part) => part.problems.length === 0);
  return {
    paths: [
      INDEX_NAME,
      ...[...found, ...(isSafetyWhole ? safety : [])].flatMap(({ paths }) => paths),
    ],
    variant,
    leftOut: [...index.others, ...(isSafetyWhole ? [] : index.safety)],
  };
}

/** The safetensors of one part in one variant, in shards or not. */
function weightFiles(
  names: readonly string[],
  part: string,
  variant: string | undefined,
): string[] {
  const stem = `${part}/${weightNames[part]}${variant === undefined ? "" : `.${variant}`}`;
  return names.filter(
    (name) =>
      name.startsWith(stem) && /^(-\d{5}-of-\d{5})?\.safetensors$/.test(name.slice(stem.length)),
  );
}

function hasWeights(names: readonly string[], part: string, variant: string): boolean {
  return weightNames[part] === undefined || weightFiles(names, part, variant).length > 0;
}

function partFiles(
  names: readonly string[],
  part: string,
  variant: string | undefined,
): { readonly paths: readonly string[]; readonly problems: readonly string[] } {
  const inside = names.filter((name) => new RegExp(`^${part}/[^/]+$`).test(name));
  const small = inside.filter((name) => SMALL_SUFFIX.test(name));
  if (inside.length === 0) return { paths: [], problems: [`${part}: has no files`] };
  const infix = variant === undefined ? "" : `.${variant}`;
  // Indexes of other variants' shards name files that are left out.
  const read = small.filter(
    (name) => !name.includes(".index.") || name.endsWith(`.safetensors.index${infix}.json`),
  );
  const stem = weightNames[part];
  if (stem === undefined)
    return { paths: read, problems: read.length > 0 ? [] : [`${part}: has no configuration`] };
  const weights = weightFiles(names, part, variant);
  const problems = [
    ...(small.length > 0 ? [] : [`${part}/config.json: is missing`]),
    ...(weights.length > 0 ? [] : [weightsProblem(part, inside, `${part}/${stem}${infix}`)]),
  ];
  return { paths: [...read, ...weights], problems };
}

function weightsProblem(part: string, inside: readonly string[], stem: string): string {
  const refused = inside.filter((name) => REFUSED_SUFFIX.test(name));
  if (refused.length > 0)
    return (
      `${part}: ${refused.join(", ")}: pickle files are not taken, since they run code, nor are other ` +
      "frameworks' weights; save the model with safe_serialization=True"
    );
  return inside.some((name) => name.endsWith(".neuron"))
    ? `${stem}.safetensors: is missing; compiled graphs are imported with --framework neuron`
    : `${stem}.safetensors: is missing`;
}

/**
 * Which shards an index of them names that are not there, one line each.
 *
 * @param path of the index
 * @param text of the index, JSON already looked at
 */
export function shardProblems(path: string, text: string, paths: readonly string[]): string[] {
  const { weight_map: map } = (JSON.parse(text) ?? {}) as { weight_map?: unknown };
  if (typeof map !== "object" || map === null) return [`${path}: is no index of safetensors files`];
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const shards = [...new Set(Object.values(map).map(String))];
  return shards
    .filter((shard) => !paths.includes(folder + shard))
    .map((shard) => `${folder}${shard}: is missing; ${path} names it`);
}

export function isShardIndex(path: string): boolean {
  return /\.safetensors\.index(\.\w+)?\.json$/.test(path);
}
