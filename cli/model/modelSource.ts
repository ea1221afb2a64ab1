/** A model's files where they come from: a folder, or a repository of the hub. */

export interface SourceFile {
  /** Relative to the model, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal digits, where the source knows it without reading the file. */
  readonly sha256?: string;
}

/** What the source says of the terms under which the model is given. */
export interface Licence {
  /** As model cards have it, e.g. `openrail++`; `none` where the source names none. */
  readonly id: string;
  /** Where its text can be read. */
  readonly link: string;
}

export interface ModelSource {
  /** The folder, or `OWNER/NAME`. */
  readonly from: string;
  /** The hub's commit, so that all files are of one state; absent: a folder. */
  readonly revision?: string;
  readonly licence: Licence;
  readonly files: readonly SourceFile[];
  /**
   * A file's bytes, from one place to before another; absent: to its end.
   *
   * @throws UserError, while it is read, when it cannot be
   */
  read(path: string, from?: number, to?: number): AsyncIterable<Uint8Array>;
}

/** What is kept in memory of a file: configurations and vocabularies are a few MB. */
const TEXT_BYTES = 64 * 1024 ** 2;

/**
 * The bytes of a small file, or of a part of one.
 *
 * @throws RangeError for more than is meant to be in memory
 */
export async function bytesOf(
  source: ModelSource,
  { path, bytes }: SourceFile,
  from = 0,
  to = bytes,
  most = TEXT_BYTES,
): Promise<Buffer> {
  if (to - from > most) throw new RangeError(`it is larger than ${most} bytes`);
  const chunks: Uint8Array[] = [];
  if (to > from) for await (const chunk of source.read(path, from, to)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
