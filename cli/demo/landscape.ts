import { createHash } from "node:crypto";

/** Red, green and blue, 0 to 255. */
type Colour = readonly [red: number, green: number, blue: number];

interface Palette {
  /** Of the sky, from the top to the horizon. */
  readonly sky: readonly [Colour, Colour, Colour];
  readonly sun: Colour;
  /** Of the nearest hills; those behind fade into the horizon. */
  readonly hills: Colour;
}

const palettes: readonly Palette[] = [
  {
    sky: [
      [32, 39, 92],
      [143, 78, 139],
      [253, 178, 110],
    ],
    sun: [255, 232, 178],
    hills: [28, 22, 52],
  },
  {
    sky: [
      [58, 124, 189],
      [136, 190, 224],
      [238, 241, 226],
    ],
    sun: [255, 252, 232],
    hills: [24, 74, 66],
  },
  {
    sky: [
      [9, 14, 38],
      [27, 52, 96],
      [96, 141, 163],
    ],
    sun: [236, 240, 226],
    hills: [6, 16, 27],
  },
  {
    sky: [
      [214, 92, 82],
      [246, 155, 96],
      [255, 224, 158],
    ],
    sun: [255, 247, 214],
    hills: [74, 28, 46],
  },
  {
    sky: [
      [119, 158, 164],
      [189, 205, 188],
      [246, 226, 200],
    ],
    sun: [255, 246, 226],
    hills: [52, 70, 64],
  },
];

const RANGES = 6;
/** Share of the height where the farthest range stands. */
const HORIZON = 0.48;

/**
 * Hills in front of a sky with a sun or a moon: the same for the same prompt, seed and size, another
 * one for others.
 *
 * @returns RGBA, a byte each, row by row
 */
export function landscape(prompt: string, seed: number, width: number, height: number): Buffer {
  const random = randomOf(`${prompt}\n${seed}`);
  const palette = palettes[Math.floor(random() * palettes.length)]!;
  const sun = {
    x: (0.15 + 0.7 * random()) * width,
    y: (0.12 + 0.3 * random()) * height,
    radius: (0.035 + 0.05 * random()) * width,
  };
  const ridges = Array.from({ length: RANGES }, (_, range) =>
    ridge(random, width, height, range / (RANGES - 1)),
  );
  const tones = ridges.map((_, range) =>
    mix(palette.sky[2], palette.hills, ((range + 1) / RANGES) ** 1.2),
  );
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    const sky = skyAt(palette, y / (height * 0.75));
    for (let x = 0; x < width; x += 1) {
      const range = nearestRange(ridges, x, y);
      const colour =
        range === undefined
          ? lit(sky, palette.sun, Math.hypot(x - sun.x, y - sun.y), sun.radius)
          : // A little mist above the foot of each range.
            mix(
              tones[range]!,
              palette.sky[2],
              Math.min(0.35, (y - ridges[range]![x]!) / (1.6 * height)),
            );
      const at = (y * width + x) * 4;
      pixels[at] = colour[0];
      pixels[at + 1] = colour[1];
      pixels[at + 2] = colour[2];
      pixels[at + 3] = 255;
    }
  }
  return pixels;
}

/** Heights of a range's top by column, in pixels from above: a few waves, each finer than the last. */
function ridge(random: () => number, width: number, height: number, nearness: number): number[] {
  const base = (HORIZON + (0.95 - HORIZON) * nearness) * height;
  const waves = Array.from({ length: 5 }, (_, octave) => ({
    length: width / (0.8 + random()) / 2 ** octave,
    height: ((0.05 + 0.04 * nearness) * height) / 1.9 ** octave,
    phase: random() * 2 * Math.PI,
  }));
  return Array.from({ length: width }, (_, x) =>
    waves.reduce(
      (y, wave) => y - wave.height * Math.sin((2 * Math.PI * x) / wave.length + wave.phase),
      base,
    ),
  );
}

function nearestRange(ridges: readonly number[][], x: number, y: number): number | undefined {
  for (let range = ridges.length - 1; range >= 0; range -= 1)
    if (y >= ridges[range]![x]!) return range;
  return undefined;
}

/** @param depth 0 at the top, 1 at the horizon */
function skyAt({ sky: [top, middle, low] }: Palette, depth: number): Colour {
  return depth < 0.5 ? mix(top, middle, depth * 2) : mix(middle, low, Math.min(1, depth * 2 - 1));
}

function lit(sky: Colour, sun: Colour, distance: number, radius: number): Colour {
  if (distance <= radius) return sun;
  return mix(sky, sun, 0.7 * Math.exp(-(distance - radius) / (1.8 * radius)));
}

function mix(from: Colour, to: Colour, share: number): Colour {
  const part = (index: 0 | 1 | 2) =>
    Math.round(from[index] + (to[index] - from[index]) * Math.max(0, share));
  return [part(0), part(1), part(2)];
}

/** Numbers from 0 to 1 that follow from a text. Source: xorshift32, G. Marsaglia, "Xorshift RNGs". */
function randomOf(text: string): () => number {
  let state = createHash("sha256").update(text).digest().readUInt32LE() || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
