import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { generatedPages } from "../../../cli/docs/pages";
import { configSchema } from "../../../stacks/config/schema";

const root = resolve(__dirname, "../../..");

describe("Generated pages", () => {
  for (const { file, content } of generatedPages())
    it(`${file} is what \`npm run docs\` writes today`, () => {
      assert.equal(readFileSync(resolve(root, file), "utf8"), content);
    });

  it("describe every key of the config in a sentence", () => {
    const page = generatedPages().find(({ file }) => file.endsWith("configuration.md"))!.content;
    for (const key of Object.keys(configSchema.shape)) assert.match(page, new RegExp(`\`${key}\``));
    const rows = page.split("\n").filter((line) => line.startsWith("| `"));
    assert.ok(rows.length > 80);
    for (const row of rows)
      assert.match(row, /\| [A-Z`][^|]+\. ?.*\|$/, `${row} has no description`);
  });
});
