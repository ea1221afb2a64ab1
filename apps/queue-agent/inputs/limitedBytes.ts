import type { Readable } from "node:stream";
import { InputUnavailable } from "./unavailable";

/**
 * All bytes of a stream, as long as they are few enough; it is not read further than that.
 *
 * @throws InputUnavailable when there are more
 */
export async function limitedBytes(
  stream: Readable,
  maxBytes: number,
  announcedBytes?: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (announcedBytes !== undefined && announcedBytes > maxBytes) throw tooLarge(maxBytes);
    for await (const chunk of stream) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    // One that is not read to its end would fail unheard.
    stream.on("error", () => {}).destroy();
    throw error;
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): InputUnavailable {
  return new InputUnavailable(`is larger than the ${maxBytes} bytes that an input may have`);
}
