import { createHash, randomFillSync } from "node:crypto";
import { PNG } from "pngjs";

export interface DrawnPngOptions {
  /** The same subject gives the same picture. */
  readonly subject: string;
  /** Pixels. Default: 8. */
  readonly width?: number;
  readonly height?: number;
  /** At least so many bytes: noise that cannot be compressed. */
  readonly bytes?: number;
}

/** A real PNG: a gradient between two colours of its subject. */
export function drawnPng({ subject, width = 8, height = 8, bytes = 0 }: DrawnPngOptions): Buffer {
  if (bytes > 0) return noise(bytes);
  const colours = createHash("sha256").update(subject).digest();
  const png = new PNG({ width, height });
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const share = (x + y) / (width + height);
      const at = (y * width + x) * 4;
      for (let channel = 0; channel < 3; channel++)
        png.data[at + channel] = colours[channel]! * share + colours[channel + 3]! * (1 - share);
      png.data[at + 3] = 255;
    }
  return PNG.sync.write(png);
}

function noise(bytes: number): Buffer {
  const side = Math.ceil(Math.sqrt(bytes / 4));
  const png = new PNG({ width: side, height: side });
  randomFillSync(png.data);
  return PNG.sync.write(png, { deflateLevel: 0, filterType: 0 });
}

/** Width and height of a PNG, read to its last pixel. */
export function sizeOf(png: Buffer): { readonly width: number; readonly height: number } {
  const { width, height } = PNG.sync.read(png);
  return { width, height };
}
