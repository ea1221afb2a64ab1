/** An import in S3: what is there of it, and what goes there; its manifest last. */

import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { UserError } from "../../contracts/userError";
import { askAws } from "../tasks/askAws";
import { inParallel } from "../tasks/inParallel";
import { contentHash, filesOfManifest, MANIFEST_NAME, type Manifest } from "./manifest";
import type { ModelSource, SourceFile } from "./modelSource";
import { verified } from "./sha256";

/** Where an import is. */
export interface Place {
  readonly bucket: string;
  /** With a slash at its end. */
  readonly prefix: string;
}

/** A file whose content is known. */
export type KnownFile = Required<SourceFile>;

/**
 * Parts of a large file. Eight files at once, two parts of each, and one that is filled: some
 * 200 MiB of memory at most.
 */
const PART_BYTES = 8 * 1024 ** 2;
const PARALLEL_PARTS = 2;
/** Source: Amazon S3 user guide, "Multipart upload limits". */
const MOST_PARTS = 10_000;

/** Metadata of an object: the SHA-256 of its content. S3's own is one of parts, for large objects. */
const SHA256_KEY = "sha256";

/** What of an import is in the bucket. */
export interface Found {
  /** Its manifest and all that it names. */
  readonly isWhole: boolean;
  /** Paths of files that are there as they should be. */
  readonly paths: ReadonlySet<string>;
}

/** @throws UserError when AWS refuses or is not reached */
export async function findImport(
  s3: S3Client,
  place: Place,
  files: readonly KnownFile[],
): Promise<Found> {
  const sizes = await askAws(`listing s3://${place.bucket}/${place.prefix}`, sizesIn(s3, place));
  const sameSize = files.filter(({ path, bytes }) => sizes.get(path) === bytes);
  const isWhole =
    sameSize.length === files.length &&
    sizes.has(MANIFEST_NAME) &&
    (await hasManifest(s3, place, files));
  if (isWhole) return { isWhole, paths: new Set(files.map(({ path }) => path)) };
  const same = await inParallel(sameSize, (file) => hasContent(s3, place, file));
  return { isWhole, paths: new Set(sameSize.filter((_, at) => same[at]).map(({ path }) => path)) };
}

/** Bytes of objects by path below the prefix. */
async function sizesIn(s3: S3Client, { bucket, prefix }: Place): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix });
  for await (const { Contents = [] } of pages)
    for (const { Key = "", Size = 0 } of Contents) sizes.set(Key.slice(prefix.length), Size);
  return sizes;
}

async function hasManifest(
  s3: S3Client,
  place: Place,
  files: readonly KnownFile[],
): Promise<boolean> {
  const there = filesOfManifest(await manifestText(s3, place));
  return there !== undefined && contentHash(there) === contentHash(filesByPath(files));
}

function manifestText(s3: S3Client, { bucket, prefix }: Place): Promise<string> {
  const key = `${prefix}${MANIFEST_NAME}`;
  return askAws(
    `reading s3://${bucket}/${key}`,
    s3
      .send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      .then(({ Body }) => Body?.transformToString() ?? ""),
  );
}

/**
 * An import's manifest; nothing when there is none, or it is none.
 *
 * @throws UserError when AWS refuses or is not reached
 */
export async function readManifest(s3: S3Client, place: Place): Promise<Manifest | undefined> {
  const sizes = await askAws(`listing s3://${place.bucket}/${place.prefix}`, sizesIn(s3, place));
  if (!sizes.has(MANIFEST_NAME)) return undefined;
  const text = await manifestText(s3, place);
  return filesOfManifest(text) === undefined ? undefined : (JSON.parse(text) as Manifest);
}

/** S3 has checked what it was sent against the checksums of the SDK, so its metadata hold. */
async function hasContent(
  s3: S3Client,
  { bucket, prefix }: Place,
  { path, sha256 }: KnownFile,
): Promise<boolean> {
  const key = `${prefix}${path}`;
  const { Metadata = {}, ChecksumSHA256: whole } = await askAws(
    `looking at s3://${bucket}/${key}`,
    s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" })),
  );
  // A checksum of parts ends in their number.
  const isOther = whole !== undefined && !whole.includes("-") && whole !== base64(sha256);
  return Metadata[SHA256_KEY] === sha256 && !isOther;
}

/**
 * Sends files, several at once; the objects have the bucket's own encryption and owner. What is in a
 * file is looked at as it goes: an object comes to be only if it is what its hash says.
 *
 * @param tell is told of bytes that are sent
 * @throws UserError when a file cannot be read or is another, or AWS refuses; what is under way ends then
 */
export async function sendFiles(
  s3: S3Client,
  place: Place,
  source: Pick<ModelSource, "read">,
  files: readonly KnownFile[],
  tell: (bytes: number) => void,
): Promise<void> {
  const end = new AbortController();
  const failures: unknown[] = [];
  const largestFirst = [...files].sort((a, b) => b.bytes - a.bytes);
  await inParallel(largestFirst, async (file) => {
    try {
      await sendFile(s3, place, source, file, tell, end.signal);
    } catch (error) {
      failures.push(error);
      end.abort();
      throw error;
    }
    // The others have failed because the first one did.
  }).catch(() => Promise.reject(failures[0]));
}

async function sendFile(
  s3: S3Client,
  { bucket, prefix }: Place,
  source: Pick<ModelSource, "read">,
  file: KnownFile,
  tell: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const key = `${prefix}${file.path}`;
  const upload = new Upload({
    client: s3,
    params: {
      Bucket: bucket,
      Key: key,
      Body: Readable.from(verified(source, file), { objectMode: false }),
      ChecksumAlgorithm: "SHA256",
      Metadata: { [SHA256_KEY]: file.sha256 },
    },
    partSize: Math.max(PART_BYTES, Math.ceil(file.bytes / MOST_PARTS)),
    queueSize: PARALLEL_PARTS,
  });
  const stop = () => void upload.abort();
  signal.addEventListener("abort", stop, { once: true });
  let sent = 0;
  upload.on("httpUploadProgress", ({ loaded = 0 }) => {
    tell(loaded - sent);
    sent = loaded;
  });
  try {
    if (signal.aborted) await upload.abort();
    const outcome = await upload.done().catch((error: unknown) => ({ error }));
    if (!("error" in outcome)) return;
    // What is wrong with the file is not AWS's doing.
    if (outcome.error instanceof UserError) throw outcome.error;
    await askAws(`writing s3://${bucket}/${key}`, Promise.reject(outcome.error));
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Source: Amazon S3 API reference, CopyObject: 5 GB in one call. */
const MOST_COPIED_BYTES = 5e9;

/**
 * Copies files of one import into another of the same bucket, inside S3 with their metadata; what is
 * too large for that is read and sent, and looked at as it goes.
 *
 * @param tell is told of bytes that are there
 * @throws UserError when AWS refuses or is not reached
 */
export async function copyFiles(
  s3: S3Client,
  from: Place,
  to: Place,
  files: readonly KnownFile[],
  tell: (bytes: number) => void,
): Promise<void> {
  const isLarge = ({ bytes }: KnownFile) => bytes > MOST_COPIED_BYTES;
  await inParallel(
    files.filter((file) => !isLarge(file)),
    async ({ path, bytes }) => {
      const source = `${from.bucket}/${from.prefix}${path}`;
      await askAws(
        `copying s3://${source}`,
        s3.send(
          new CopyObjectCommand({
            Bucket: to.bucket,
            Key: `${to.prefix}${path}`,
            CopySource: source.split("/").map(encodeURIComponent).join("/"),
            ChecksumAlgorithm: "SHA256",
          }),
        ),
      );
      tell(bytes);
    },
  );
  await sendFiles(
    s3,
    to,
    { read: (path) => readStored(s3, from, path) },
    files.filter(isLarge),
    tell,
  );
}

async function* readStored(
  s3: S3Client,
  { bucket, prefix }: Place,
  path: string,
): AsyncGenerator<Uint8Array> {
  const key = `${prefix}${path}`;
  const { Body } = await askAws(
    `reading s3://${bucket}/${key}`,
    s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })),
  );
  yield* Body as Readable;
}

/** @throws UserError when AWS refuses or is not reached */
export async function sendManifest(
  s3: S3Client,
  { bucket, prefix }: Place,
  manifest: Manifest,
): Promise<void> {
  const key = `${prefix}${MANIFEST_NAME}`;
  await askAws(
    `writing s3://${bucket}/${key}`,
    s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: `${JSON.stringify(manifest, null, 2)}\n`,
        ContentType: "application/json",
        ChecksumAlgorithm: "SHA256",
      }),
    ),
  );
}

export function filesByPath(files: readonly KnownFile[]): Manifest["files"] {
  return Object.fromEntries(
    [...files]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map(({ path, sha256, bytes }) => [path, { sha256, bytes }]),
  );
}

function base64(hexadecimal: string): string {
  return Buffer.from(hexadecimal, "hex").toString("base64");
}
