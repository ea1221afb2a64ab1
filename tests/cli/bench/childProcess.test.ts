import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNode } from "../../../cli/bench/childProcess";

describe("a measured process", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-bench-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("has its whole time and its peak of memory", async () => {
    const script = "const b = Buffer.alloc(80 << 20, 1); setTimeout(() => b, 200);";
    // What this process has is not the measured one's.
    const own = Buffer.alloc(300 << 20, 1);
    const { wallSeconds, peakMiB } = await runNode(folder, ["-e", script]);
    assert.equal(own.at(-1), 1);
    assert.ok(wallSeconds > 0.2 && wallSeconds < 20, `${wallSeconds} s`);
    assert.ok(peakMiB > 100 && peakMiB < 250, `${peakMiB} MiB`);
  });

  it("reports the packages that the code in question requires, and no others", async () => {
    const script = join(folder, "script.cjs");
    const yaml = JSON.stringify(require.resolve("yaml"));
    writeFileSync(
      script,
      `require("node:fs"); require("path"); module.paths.push(process.cwd() + "/node_modules"); require("yaml"); require(${yaml});`,
    );
    const { packages } = await runNode(folder, [script], folder);
    assert.deepEqual(packages, ["yaml"]);
  });

  it("that fails is an error with what it said", async () => {
    await assert.rejects(runNode(folder, ["-e", "throw new Error('why')"]), /ended with 1: .*why/s);
  });
});
