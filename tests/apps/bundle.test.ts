import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
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

/** Of zod's messages in other languages, which a bundle has all or none of, 290 KiB. */
const german = "Ungültige Eingabe";

describe("The bundles of the apps", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-bundles-"));
  after(() => rmSync(folder, { recursive: true }));

  for (const app of ["failover-controller", "queue-agent", "task-api/lambda", "task-api/local"])
    it(`say in English alone what is wrong: ${app}`, () => {
      const file = join(folder, `${app.replace("/", "-")}.cjs`);
      execFileSync(process.execPath, [bundler, app, file]);
      const code = readFileSync(file, "utf8");
      assert.ok(code.includes("Invalid input"), "the messages are zod's no longer");
      assert.ok(!code.includes(german), 'import * as z from "zod", in all that the app imports');
    });
});
