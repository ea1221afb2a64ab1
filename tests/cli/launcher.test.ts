import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CLI = join(__dirname, "../../cli");

describe("the launcher", () => {
  it("says what to do when the packages are not installed", () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-launcher-"));
    for (const file of ["fleet.mjs", "latePackages.mjs"])
      cpSync(join(CLI, file), join(folder, "cli", file));
    const launcher = join(folder, "cli/fleet.mjs");
    const { status, stderr } = spawnSync(process.execPath, [launcher, "plan"], {
      encoding: "utf8",
    });
    rmSync(folder, { recursive: true });
    assert.equal(status, 2);
    assert.match(stderr, /not installed. Run: npm ci/);
  });

  it("says which Node it needs when this one is too old", () => {
    const pretend = "Object.defineProperty(process.versions, 'node', { value: '20.18.3' })";
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, join(CLI, "fleet.mjs")],
      { encoding: "utf8" },
    );
    assert.equal(status, 2);
    assert.match(stderr, /needs Node 20\.19 or later; this is 20\.18\.3/);
  });

  it("ends quietly when its reader stops early", () => {
    const command = `"${process.execPath}" "${join(CLI, "fleet.mjs")}" plan --help | :`;
    const { stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
    assert.equal(stderr, "");
  });
});
