import assert from "node:assert/strict";
import fc from "fast-check";
import { paintFor, table, wrap } from "../../cli/terminal";

describe("text for a terminal", () => {
  it("is coloured on a terminal only, and as NO_COLOR and FORCE_COLOR say", () => {
    const coloured = (isTTY: boolean, environment: Record<string, string> = {}) =>
      paintFor({ isTTY }, environment)("red", "x") !== "x";
    assert.ok(coloured(true));
    assert.ok(!coloured(false));
    assert.ok(!coloured(true, { NO_COLOR: "1" }));
    assert.ok(coloured(false, { FORCE_COLOR: "1" }));
    assert.ok(!coloured(true, { FORCE_COLOR: "0" }));
  });

  it("wraps without losing a word or passing the width", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 80 }), (text, width) => {
        const lines = wrap(text.join(" "), width, "  ");
        assert.deepEqual(lines.join(" ").split(/ +/).filter(Boolean), text);
        assert.ok(lines.every((line) => line.length <= width));
      }),
    );
  });

  it("lines table columns up", () => {
    const columns = [{ title: "unit" }, { title: "weight", align: "right" }] as const;
    assert.deepEqual(
      table(
        columns,
        [
          ["a", "5"],
          ["longer", "40"],
        ],
        (_, text) => text,
      ),
      ["unit    weight", "a            5", "longer      40"],
    );
  });
});
