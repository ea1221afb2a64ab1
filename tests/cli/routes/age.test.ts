import assert from "node:assert/strict";
import { ago, span } from "../../../cli/routes/age";

describe("an age", () => {
  it("is in the largest unit of which it has two", () => {
    const second = 1000;
    const spans = [
      [0, "0s"],
      [119, "119s"],
      [120, "2m"],
      [7199, "119m"],
      [7200, "2h"],
      [172_800, "2d"],
    ] as const;
    for (const [seconds, text] of spans) assert.equal(span(seconds * second), text);
  });

  it("is never negative, however clocks differ", () => {
    assert.equal(ago("2026-11-15T03:20:05Z", "2026-11-15T03:20:00Z"), "0s");
  });
});
