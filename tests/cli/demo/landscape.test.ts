import assert from "node:assert/strict";
import fc from "fast-check";
import { landscape } from "../../../cli/demo/landscape";

describe("the demo's landscapes", () => {
  it("are the same for the same prompt, seed and size", () => {
    assert.deepEqual(landscape("hills", 7, 40, 30), landscape("hills", 7, 40, 30));
  });

  it("differ by prompt and by seed", () => {
    const seed = fc.integer({ min: 0, max: 2 ** 31 });
    fc.assert(
      fc.property(fc.string(), fc.string(), seed, seed, (prompt, other, first, second) => {
        fc.pre(prompt !== other && first !== second);
        const picture = landscape(prompt, first, 64, 64);
        assert.notDeepEqual(picture, landscape(other, first, 64, 64));
        assert.notDeepEqual(picture, landscape(prompt, second, 64, 64));
      }),
      { numRuns: 50 },
    );
  });

  it("fill their size, without a hole", () => {
    const pixels = landscape("hills", 1, 33, 17);
    assert.equal(pixels.length, 33 * 17 * 4);
    for (let at = 3; at < pixels.length; at += 4) assert.equal(pixels[at], 255);
  });

  it("have the sky above the hills: they are brighter at the top of the hills than at their foot", () => {
    const [width, height] = [64, 64];
    const pixels = landscape("hills", 3, width, height);
    const brightness = (y: number) =>
      Array.from({ length: width }, (_, x) => pixels[(y * width + x) * 4 + 1]!).reduce(
        (sum, value) => sum + value,
      );
    assert.ok(brightness(Math.floor(height * 0.55)) > brightness(height - 1));
  });
});
