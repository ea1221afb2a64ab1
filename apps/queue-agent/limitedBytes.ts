import type { Readable } from "node:stream";

export interface BytesLimit {
  readonly maxBytes: number;
  /** As the sender says, where it does: too many are not even begun. */
  readonly announcedBytes?: number | undefined;
  /** What is thrown of more, by how many there are; undefined: nobody knows. */
  readonly tooMany: (bytes: number | undefined) => Error;
}

/**
 * All bytes of a stream, as long as they are few enough. It is not read further than that, and its
 * connection ends.
 *
 * @throws what `tooMany` gives; what the stream fails with
 */
export async function limitedBytes(
  stream: Readable,
  { maxBytes, announcedBytes, tooMany }: BytesLimit,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (announcedBytes !== undefined && announcedBytes > maxBytes) throw tooMany(announcedBytes);
    for await (const chunk of stream) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) throw tooMany(announcedBytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    // One that is not read to its end would fail unheard.
    stream.on("error", () => {}).destroy();
    throw error;
  }
  return Buffer.concat(chunks);
}

/** Of an HTTP header; nothing where there is none, or no number. */
export function announcedBytes(contentLength: string | string[] | undefined): number | undefined {
  return typeof contentLength === "string" && /^\d+$/.test(contentLength)
    ? Number(contentLength)
    : undefined;
}
