import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const bundler = resolve(__dirname, "../../apps/bundle.mjs");

describe("The bundle of the fail-over controller", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-bundle-"));
  const file = join(folder, "main.cjs");
  before(() => execFileSync(process.execPath, [bundler, "failover-controller", file]));
  after(() => rmSync(folder, { recursive: true }));

  it("is under 5 MiB", () => {
    assert.ok(statSync(file).size < 5 * 1024 * 1024, `${statSync(file).size} bytes`);
  });

  it("runs by itself, and names all that its environment lacks at once", () => {
    const { status, stderr } = spawnSync(process.execPath, [file], {
      cwd: folder,
      env: { PATH: process.env.PATH },
      encoding: "utf8",
    });
    assert.equal(status, 2, stderr);
    for (const name of ["NAMESPACE", "POD_NAME", "STACK", "STACK_LABEL_VALUE"])
      assert.match(stderr, new RegExp(`^ {2}${name} is not set`, "m"));
  });
});
