import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { inParallel } from "../tasks/inParallel";
import { progressOn } from "../tasks/progress";
import { paintFor } from "../terminal";
import { bucketFor, bytesIn, setting } from "./add";
import { checkFramework, checkModel, importPrefix, noBucket, stackModels } from "./destination";
import { contentHash, type Manifest } from "./manifest";
import type { ModelSource } from "./modelSource";
import { type Imported, importText } from "./report";
import { checkContainer } from "./serverContainer";
import { isServerFile, serverFiles } from "./serverFiles";
import { sha256Of } from "./sha256";
import {
  copyFiles,
  filesByPath,
  findImport,
  type KnownFile,
  type Place,
  readManifest,
  sendFiles,
  sendManifest,
} from "./store";
import { type Transfer, transferOn } from "./transfer";

export interface PackOptions {
  readonly framework: string;
  /** Image of the container, with a tag. */
  readonly container: string;
  readonly stack: string;
  readonly bucket?: string;
  /** Hash of the import; absent: the one in the stack's file. */
  readonly artefact?: string;
  /** Below `sagemaker`, who is to load it: `componentEndpoints.ENDPOINT.components.COMPONENT`. */
  readonly at?: string;
  readonly apply: boolean;
  readonly dryRun: boolean;
}

/** Packs a model and prints what it has become. */
export async function runPack(
  root: string,
  name: string,
  options: PackOptions & { readonly json: boolean },
): Promise<number> {
  const packed = await packModel(root, name, options, transferOn(progressOn(process.stderr)));
  process.stdout.write(
    options.json
      ? `${JSON.stringify(packed, null, 2)}\n`
      : `${importText(packed, paintFor(process.stdout)).join("\n")}\n`,
  );
  return ExitCode.ok;
}

/** Stands where nobody was named. */
const anyComponent = "componentEndpoints.ENDPOINT.components.COMPONENT";

/** The model's own setting stays: units load the import, and graphs are compiled from it. */
function loaderOf({ at, apply }: PackOptions): readonly string[] {
  if (at === undefined && apply)
    throw new UserError(
      `Who is to load it? --apply wants --at KEY, a key below sagemaker: ${anyComponent}, ` +
        "asyncEndpoints.ENDPOINT or variantEndpoints.ENDPOINT.",
    );
  if (at !== undefined && !loaders.test(at))
    throw new UserError(
      `--at is ${JSON.stringify(at)}; allowed: ${anyComponent}, asyncEndpoints.ENDPOINT or ` +
        "variantEndpoints.ENDPOINT.",
    );
  return (at ?? anyComponent).split(".");
}

const name = "[a-z]([-a-z0-9]{0,28}[a-z0-9])?";
const loaders = new RegExp(
  `^((async|variant)Endpoints\\.${name}|componentEndpoints\\.${name}\\.components\\.${name})$`,
);

/**
 * Makes an artefact of an imported model and our server, for a container that SageMaker caches, or
 * looks what that would do. The model's files are copied inside the bucket.
 *
 * @param makeServer fills a folder with the server for a version of Python
 * @throws UserError when an option, the import or the bucket is not as it should be
 */
export async function packModel(
  root: string,
  model: string,
  options: PackOptions,
  transfer: Transfer,
  makeServer: (folder: string, python: string) => Promise<ModelSource> = serverFiles,
): Promise<Imported> {
  const { dryRun } = options;
  const framework = checkFramework(options.framework);
  const stack = stackModels(root, options.stack);
  const container = checkContainer(framework, options.container, stack.region);
  checkModel(model, stack);
  const loader = loaderOf(options);
  const source = options.artefact ?? stack.artefacts[model]?.[framework];
  if (source === undefined)
    throw new UserError(
      `Which import of ${model}? Give its hash as --artefact HASH, or set ` +
        `${stack.project}:models.${model}.artefacts.${framework}; fleet model add makes one.`,
    );
  const bucket = await bucketFor(root, stack, options);
  if (bucket === undefined) throw noBucket(stack);
  const placeOf = (hash: string): Place => ({
    bucket,
    prefix: importPrefix(stack, model, framework, hash),
  });
  const from = placeOf(source);

  const isLocal = Boolean(process.env.AWS_ENDPOINT_URL || process.env.AWS_ENDPOINT_URL_S3);
  const s3 = new S3Client({
    region: stack.region,
    forcePathStyle: isLocal,
    followRegionRedirects: true,
  });
  const folder = await mkdtemp(join(tmpdir(), "fleet-pack-"));
  try {
    const imported = await wholeImport(s3, from);
    const modelFiles = knownFiles(imported).filter(({ path }) => !isServerFile(path));
    const server = await makeServer(folder, container.python);
    const ours = await inParallel(server.files, async (file) => ({
      ...file,
      sha256: await sha256Of(server, file),
    }));
    const files = [...modelFiles, ...ours];
    const manifest = { ...imported, container: container.image, files: filesByPath(files) };
    const hash = contentHash(manifest.files);
    const place = placeOf(hash);

    const found = await findImport(s3, place, files);
    const missing = files.filter(({ path }) => !found.paths.has(path));
    if (!found.isWhole && !dryRun) {
      const tell = transfer.begin(`sending ${missing.length} files`, bytesIn(missing));
      await copyFiles(
        s3,
        from,
        place,
        missing.filter(({ path }) => !isServerFile(path)),
        tell,
      );
      await sendFiles(
        s3,
        place,
        server,
        missing.filter(({ path }) => isServerFile(path)),
        tell,
      );
      await sendManifest(s3, place, manifest);
    }
    return {
      model,
      framework,
      hash,
      files: files.length,
      bytes: bytesIn(files),
      destination: `s3://${place.bucket}/${place.prefix}`,
      source: imported.source,
      licence: { id: imported.licence, link: `s3://${from.bucket}/${from.prefix}` },
      container: container.image,
      variant: null,
      leftOut: [],
      sent: { files: missing.length, bytes: bytesIn(missing) },
      wasThere: found.isWhole,
      dryRun,
      setting: setting(root, stack, options, ["sagemaker", ...loader, "artefact"], hash),
    };
  } finally {
    transfer.end();
    s3.destroy();
    await rm(folder, { recursive: true });
  }
}

/** @throws UserError when it is not there, or not all of it */
async function wholeImport(s3: S3Client, place: Place): Promise<Manifest> {
  const manifest = await readManifest(s3, place);
  const isThere =
    manifest !== undefined && (await findImport(s3, place, knownFiles(manifest))).isWhole;
  if (isThere) return manifest;
  throw new UserError(
    `s3://${place.bucket}/${place.prefix} is no whole import: ` +
      `${manifest === undefined ? "it has no manifest.json" : "files of its manifest.json are missing"}. ` +
      "fleet model add makes one.",
  );
}

function knownFiles({ files }: Manifest): KnownFile[] {
  return Object.entries(files).map(([path, file]) => ({ path, ...file }));
}
