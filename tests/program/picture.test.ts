import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { standalonePicture } from "../../cli/plan/picture";
import { planOf } from "./planned";

describe("The picture in the docs", () => {
  it("is what `npm run -s plan -- --svg docs/picture.svg` draws today", async () => {
    const file = resolve(__dirname, "../../docs/picture.svg");
    assert.equal(readFileSync(file, "utf8"), standalonePicture(await planOf("dev")));
  });
});
