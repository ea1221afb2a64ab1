import { UserError } from "../../contracts/userError";
import type { Framework } from "../../fleet/accelerators";
import { inParallel } from "../tasks/inParallel";
import { filesOfManifest, MANIFEST_NAME } from "./manifest";
import { bytesOf, type ModelSource, type SourceFile } from "./modelSource";
import { neuronFiles } from "./neuronFiles";
import { isShardIndex, pipelineFiles, REFUSED_SUFFIX, shardProblems } from "./pipelineFiles";
import { INDEX_NAME, parseCompiledIndex, parseIndex } from "./pipelineIndex";
import { safetensorsProblem } from "./safetensorsHeader";

/** The files of a model that are imported. */
export interface ModelFiles {
  readonly files: readonly SourceFile[];
  /** Of the weights, e.g. `fp16`; absent: the plain ones, or graphs. */
  readonly variant?: string;
  /** Parts that the index names and that are not imported. */
  readonly leftOut: readonly string[];
}

/** Preferred variants of weights, as the server has them. */
const variants = ["fp16"] as const;

/**
 * The files that a framework needs of a model, found whole: JSON is read, and of safetensors the
 * header.
 *
 * @param wantsSafety whether images are looked at by the safety checker
 * @throws UserError that names all that is missing, damaged or refused
 */
export async function modelFiles(
  source: ModelSource,
  framework: Framework,
  wantsSafety: boolean,
): Promise<ModelFiles> {
  const where = source.from;
  const names = source.files.map(({ path }) => path);
  const index = source.files.find(({ path }) => path === INDEX_NAME);
  if (index === undefined) throw noIndex(where, names);
  const text = (await bytesOf(source, index)).toString("utf8");
  const indexPath = `${where}/${INDEX_NAME}`;
  const { paths, ...rest } =
    framework === "neuron"
      ? {
          paths: neuronFiles(names, parseCompiledIndex(text, indexPath), where, wantsSafety),
          leftOut: [],
        }
      : pipelineFiles(names, parseIndex(text, indexPath), variants, where, wantsSafety);
  const files = source.files.filter(({ path }) => paths.includes(path));
  const problems = await inParallel(files, (file) => problemsOf(source, file, paths));
  if (problems.flat().length > 0)
    throw new UserError([`${where}:`, ...problems.flat()].join("\n  "));
  const { variant, leftOut } = rest as { variant?: string; leftOut: readonly string[] };
  return { files, leftOut, ...(variant === undefined ? {} : { variant }) };
}

function noIndex(where: string, names: readonly string[]): UserError {
  const refused = names.filter((name) => REFUSED_SUFFIX.test(name));
  const single = names.filter((name) => /^[^/]+\.safetensors$/.test(name));
  return new UserError(
    [
      `${where} has no ${INDEX_NAME}; a folder as diffusers' save_pretrained writes it is wanted.`,
      ...(refused.length > 0
        ? [`${refused.join(", ")}: pickle files are not taken, since they run code.`]
        : []),
      ...(single.length > 0
        ? [
            `${single.join(", ")}: a pipeline in one file is taken apart by diffusers' from_single_file and save_pretrained.`,
          ]
        : []),
    ].join("\n  "),
  );
}

async function problemsOf(
  source: ModelSource,
  file: SourceFile,
  paths: readonly string[],
): Promise<readonly string[]> {
  const { path } = file;
  if (path.endsWith(".safetensors")) {
    const problem = await safetensorsProblem(source, file);
    return problem === undefined ? [] : [`${path}: ${problem}`];
  }
  if (!path.endsWith(".json")) return [];
  try {
    const text = (await bytesOf(source, file)).toString("utf8");
    JSON.parse(text);
    return isShardIndex(path) ? shardProblems(path, text, paths) : [];
  } catch (error) {
    if (error instanceof UserError) throw error;
    return [`${path}: is not JSON: ${(error as Error).message}`];
  }
}

/** What the model's own manifest says, if it has one: who wrote it knew the files, and more. */
export interface OwnManifest {
  /** Keys that are not an import's own, e.g. what a model was compiled for. */
  readonly others: Readonly<Record<string, unknown>>;
  /** SHA-256 by path. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** @throws UserError when it cannot be read */
export async function ownManifest(source: ModelSource): Promise<OwnManifest> {
  const file = source.files.find(({ path }) => path === MANIFEST_NAME);
  if (file === undefined) return { others: {}, hashes: new Map() };
  const text = (await bytesOf(source, file)).toString("utf8");
  const files = filesOfManifest(text);
  if (files === undefined)
    throw new UserError(`${source.from}/${MANIFEST_NAME} is no manifest of an import`);
  const {
    model: _model,
    framework: _framework,
    source: _source,
    licence: _licence,
    files: _files,
    ...others
  } = JSON.parse(text) as Record<string, unknown>;
  const hashes = new Map(Object.entries(files).map(([path, { sha256 }]) => [path, sha256]));
  return { others, hashes };
}
