import assert from "node:assert/strict";
import * as runtime from "@pulumi/pulumi/runtime";
import { printable, type WireValue } from "../../../cli/plan/wire";

const file = (text: string): WireValue => ({
  [runtime.specialSigKey]: runtime.specialAssetSig,
  text,
});

describe("An archive in a plan", () => {
  it("has its files by name: settings as they are, and of code only that it is there", () => {
    const archive: WireValue = {
      [runtime.specialSigKey]: runtime.specialArchiveSig,
      assets: { "index.js": file("exports.handler = 1;"), "lists.json": file('{"A":"1"}') },
    };
    assert.deepEqual(
      printable(archive, () => "unknown"),
      { "index.js": "<content>", "lists.json": '{"A":"1"}' },
    );
  });
});
