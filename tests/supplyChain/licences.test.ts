import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  installedLicences,
  isAllowed,
  licenceExceptions,
  licenceProblems,
  type PackageLicence,
} from "./licences";

const root = resolve(__dirname, "../..");

describe("The licences of npm packages", () => {
  let packages: PackageLicence[];
  before(async () => {
    packages = await installedLicences(root);
  });

  it("are known of everything that is installed, the tests' tools too", () => {
    const names = new Set(packages.map(({ name }) => name));
    for (const name of ["@pulumi/pulumi", "zod", "mocha", "typescript"])
      assert.ok(names.has(name), name);
    assert.ok(packages.length > 300, String(packages.length));
  });

  it("are allowed ones, or excepted by name with a reason", () => {
    assert.deepEqual(licenceProblems(packages, licenceExceptions), []);
    for (const [name, { reason }] of Object.entries(licenceExceptions))
      assert.ok(reason.length > 20, name);
  });

  it("are refused when they want more than their notice", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-licences-"));
    const write = (path: string, content: Record<string, unknown>) => {
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, "package.json"), JSON.stringify(content));
    };
    try {
      write("", { name: "a", version: "1.0.0", private: true, dependencies: { b: "*", c: "*" } });
      write("node_modules/b", { name: "b", version: "2.0.0", license: "GPL-3.0-only" });
      write("node_modules/c", { name: "c", version: "3.0.0", license: "MIT" });
      const installed = await installedLicences(folder);
      assert.deepEqual(licenceProblems(installed, {}), ["b 2.0.0 has the licence GPL-3.0-only"]);
      const excepted = (licences: string) => ({ b: { licences, reason: "" } });
      assert.deepEqual(licenceProblems(installed, excepted("GPL-3.0-only")), []);
      assert.equal(licenceProblems(installed, excepted("GPL-2.0-only")).length, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are read as SPDX expressions", () => {
    assert.ok(isAllowed("MIT"));
    assert.ok(isAllowed("(GPL-2.0-only OR MIT)"));
    assert.ok(isAllowed("(MIT AND BSD-3-Clause)"));
    assert.ok(!isAllowed("(MIT AND GPL-2.0-only)"));
    assert.ok(!isAllowed("UNKNOWN"));
    assert.ok(!isAllowed("MIT*"));
  });

  it("have no exception that nothing needs", () => {
    const stale = { gone: { licences: "X", reason: "" } };
    assert.deepEqual(licenceProblems(packages, { ...licenceExceptions, ...stale }), [
      "gone needs no exception",
    ]);
  });
});
