import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { setInStackFile, stackKey } from "../stackFile";
import { userPath } from "../tasks/download";
import { inParallel } from "../tasks/inParallel";
import { progressOn } from "../tasks/progress";
import { paintFor } from "../terminal";
import {
  checkBucket,
  checkFramework,
  checkModel,
  importPrefix,
  noBucket,
  type StackModels,
  stackBucket,
  stackModels,
} from "./destination";
import { folderSource } from "./folderSource";
import { hubSource, parseHubModel } from "./hubSource";
import { type HubTokenOptions, hubToken } from "./hubToken";
import { type Ask, acceptLicence } from "./licence";
import { contentHash, MANIFEST_NAME, type Manifest } from "./manifest";
import { modelFiles, type OwnManifest, ownManifest } from "./modelFiles";
import type { ModelSource, SourceFile } from "./modelSource";
import { type Imported, importText } from "./report";
import { sha256Of } from "./sha256";
import {
  filesByPath,
  findImport,
  type KnownFile,
  type Place,
  sendFiles,
  sendManifest,
} from "./store";
import { type Transfer, transferOn } from "./transfer";

export interface AddOptions extends HubTokenOptions {
  /** A folder, or `OWNER/NAME[@REVISION]`. */
  readonly from: string;
  readonly framework: string;
  readonly stack: string;
  readonly bucket?: string;
  readonly acceptLicence?: string;
  /** Whether the stack's file gets the hash. */
  readonly apply: boolean;
  readonly dryRun: boolean;
}

/** Who is there to be asked and shown things. */
export interface Audience {
  /** Absent: nobody types. */
  readonly ask?: Ask;
  readonly transfer: Transfer;
}

/** Imports a model and prints what it has become. */
export async function runAdd(
  root: string,
  name: string,
  options: AddOptions & { readonly json: boolean },
): Promise<number> {
  const transfer = transferOn(progressOn(process.stderr));
  const audience = process.stdin.isTTY && process.stderr.isTTY ? { ask, transfer } : { transfer };
  const imported = await addModel(root, name, options, audience);
  process.stdout.write(
    options.json
      ? `${JSON.stringify(imported, null, 2)}\n`
      : `${importText(imported, paintFor(process.stdout)).join("\n")}\n`,
  );
  return ExitCode.ok;
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/**
 * Imports a model into the bucket, or looks what that would do.
 *
 * @throws UserError when an option, the model or the bucket is not as it should be
 */
export async function addModel(
  root: string,
  model: string,
  options: AddOptions,
  { ask, transfer }: Audience,
): Promise<Imported> {
  const { dryRun } = options;
  const framework = checkFramework(options.framework);
  const stack = stackModels(root, options.stack);
  checkModel(model, stack);
  const bucket = await bucketFor(root, stack, options);
  const source = await openSource(options, stack.region);
  const chosen = await modelFiles(source, framework, stack.withSafety.includes(model));
  const own = await ownManifest(source);
  if (!dryRun) await acceptLicence(source.licence, options.acceptLicence, ask);
  const files = await hashed(source, chosen.files, own, transfer);
  const manifest: Manifest = {
    ...own.others,
    model,
    framework,
    source: sourceText(source),
    licence: source.licence.id,
    files: filesByPath(files),
  };
  const hash = contentHash(manifest.files);
  const place = bucket && { bucket, prefix: importPrefix(stack, model, framework, hash) };
  const storing =
    place && (await store(place, stack.region, source, files, manifest, { dryRun, transfer }));
  return {
    model,
    framework,
    hash,
    files: files.length,
    bytes: bytesIn(files),
    destination: place ? `s3://${place.bucket}/${place.prefix}` : null,
    source: manifest.source,
    licence: source.licence,
    variant: chosen.variant ?? null,
    leftOut: chosen.leftOut,
    sent: storing ? storing.sent : null,
    wasThere: storing ? storing.wasThere : false,
    dryRun,
    setting: setting(root, stack, options, ["models", model, "artefacts", framework], hash),
  };
}

export async function bucketFor(
  root: string,
  stack: StackModels,
  { bucket: given, dryRun }: Pick<AddOptions, "bucket" | "dryRun">,
): Promise<string | undefined> {
  if (given !== undefined) return checkBucket(given);
  const bucket = await stackBucket(root, stack);
  if (bucket === undefined && !dryRun) throw noBucket(stack);
  return bucket;
}

/** A folder that is there comes before a repository of the same name. */
async function openSource(options: AddOptions, region: string): Promise<ModelSource> {
  const { from } = options;
  const folder = userPath(from);
  if (existsSync(folder)) {
    if (statSync(folder).isDirectory()) return folderSource(folder);
    throw new UserError(
      `--from is "${from}", a file; allowed: a folder as diffusers' save_pretrained writes it, or OWNER/NAME[@REVISION] of the hub.`,
    );
  }
  const hubModel = /^[./~]/.test(from) ? undefined : parseHubModel(from);
  if (hubModel !== undefined) return hubSource(hubModel, await hubToken(options, region));
  throw new UserError(
    `--from is "${from}", and there is no such folder; allowed: a folder, or OWNER/NAME[@REVISION] of the hub.`,
  );
}

function sourceText({ from, revision }: ModelSource): string {
  return revision === undefined ? basename(from) : `${from}@${revision}`;
}

/** The files with their hashes; those that the source does not know are read. */
async function hashed(
  source: ModelSource,
  files: readonly SourceFile[],
  own: OwnManifest,
  transfer: Transfer,
): Promise<KnownFile[]> {
  const unknown = files.filter(({ sha256 }) => sha256 === undefined);
  const tell = transfer.begin(`reading ${unknown.length} files`, bytesIn(unknown));
  const known = await inParallel(files, async (file) => ({
    ...file,
    sha256: file.sha256 ?? (await sha256Of(source, file, tell)),
  }));
  transfer.end();
  const others = known.filter(({ path, sha256 }) => (own.hashes.get(path) ?? sha256) !== sha256);
  if (others.length > 0)
    throw new UserError(
      [
        `${source.from} is not as its ${MANIFEST_NAME} says:`,
        ...others.map(({ path }) => `${path}: its sha256 is not ${own.hashes.get(path)}`),
      ].join("\n  "),
    );
  return known;
}

interface Stored {
  readonly sent: { readonly files: number; readonly bytes: number };
  readonly wasThere: boolean;
}

/** Sends what is not there, and then the manifest. */
export async function store(
  place: Place,
  region: string,
  source: ModelSource,
  files: readonly KnownFile[],
  manifest: Manifest,
  { dryRun, transfer }: { readonly dryRun: boolean; readonly transfer: Transfer },
): Promise<Stored> {
  const isLocal = Boolean(process.env.AWS_ENDPOINT_URL || process.env.AWS_ENDPOINT_URL_S3);
  const s3 = new S3Client({ region, forcePathStyle: isLocal, followRegionRedirects: true });
  try {
    const found = await findImport(s3, place, files);
    const missing = files.filter(({ path }) => !found.paths.has(path));
    const sent = { files: missing.length, bytes: bytesIn(missing) };
    if (!found.isWhole && !dryRun) {
      const tell = transfer.begin(`sending ${sent.files} files`, sent.bytes);
      await sendFiles(s3, place, source, missing, tell);
      await sendManifest(s3, place, manifest);
    }
    return { sent, wasThere: found.isWhole };
  } finally {
    transfer.end();
    s3.destroy();
  }
}

export function bytesIn(files: readonly SourceFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Where the config is to have the hash; with `--apply`, it has it then. */
export function setting(
  root: string,
  { project, stack }: StackModels,
  { apply, dryRun }: Pick<AddOptions, "apply" | "dryRun">,
  [section = "", ...path]: readonly string[],
  hash: string,
): Imported["setting"] {
  const place = [`${project}:${section}`, ...path];
  const key = stackKey(place);
  const command = `pulumi config set --stack ${stack} --path '${key}' ${hash}`;
  if (!apply || dryRun) return { key, command, file: null };
  const file = `Pulumi.${stack}.yaml`;
  setInStackFile(join(root, file), place, hash);
  return { key, command, file };
}
