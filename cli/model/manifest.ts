import { createHash } from "node:crypto";

/** What an import holds, in the import itself; the server verifies its files by it. */
export const MANIFEST_NAME = "manifest.json";

export interface ManifestFile {
  /** Of the content, in hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * `manifest.json`, written last: an import without one is not whole. The server reads `model` and
 * `files` (`apps/inference-server/inference_server/loading/manifest.py`); the rest is for people.
 */
export interface Manifest {
  readonly model: string;
  readonly framework: string;
  /** Where it came from: a folder's name, or `OWNER/NAME@COMMIT` of the hub. */
  readonly source: string;
  /** The licence that was accepted. */
  readonly licence: string;
  /** Of a packed one: the image of the container whose server it brings along. */
  readonly container?: string;
  /** By path relative to the import, with `/`. */
  readonly files: Readonly<Record<string, ManifestFile>>;
}

/** Hexadecimal digits of a hash that names an import. */
const HASH_DIGITS = 16;

/**
 * The name of an import: the same for the same files, whoever imports them from where.
 *
 * It is the beginning of the SHA-256 of the files as JSON without blanks, paths in the order of their
 * UTF-16 codes: `{"PATH":{"bytes":1,"sha256":"…"},…}`.
 */
export function contentHash(files: Manifest["files"]): string {
  const canonical = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    // By hand, because an object would put paths that are numbers first.
    .map(
      ([path, { bytes, sha256 }]) => `${JSON.stringify(path)}:${JSON.stringify({ bytes, sha256 })}`,
    );
  return createHash("sha256")
    .update(`{${canonical.join(",")}}`)
    .digest("hex")
    .slice(0, HASH_DIGITS);
}

/** The files that the text of a manifest names; nothing when it is none. */
export function filesOfManifest(text: string): Manifest["files"] | undefined {
  try {
    const { files } = JSON.parse(text) as { files?: unknown };
    const isFile = (file: unknown) => {
      const { sha256, bytes } = (file ?? {}) as Partial<ManifestFile>;
      return typeof sha256 === "string" && typeof bytes === "number";
    };
    return typeof files === "object" && files !== null && Object.values(files).every(isFile)
      ? (files as Manifest["files"])
      : undefined;
  } catch {
    return undefined;
  }
}
