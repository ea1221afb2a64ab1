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

  it("shows the asynchronous path from the API to the results, and only where it is on", async () => {
    const on = standalonePicture(await planOf("dev"));
    const off = standalonePicture(await planOf("dev", "async.enabled=false"));
    for (const shown of ["Task API", "Topic", "tasks-sd21-queue", "sd21-queue", "Results"]) {
      assert.ok(on.includes(`>${shown}</text>`), shown);
      assert.ok(!off.includes(`>${shown}</text>`), shown);
    }
  });
});
