import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Runs a script where `loadLate` holds, as the launcher has it. */
function run(script: string): string {
  const module = join(__dirname, "../../cli/latePackages.mjs");
  const code = `import(${JSON.stringify(module)}).then(({ loadLate }) => { loadLate(); ${script} });`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", code], {
    cwd: join(__dirname, "../.."),
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout.trim();
}

const LOADED = `console.log(Object.keys(require.cache).some((f) => f.includes("/typescript/lib/")));`;

describe("packages that a plan does not use", () => {
  it("are not loaded with Pulumi's SDKs", () => {
    assert.equal(run(`require("@pulumi/pulumi"); require("@pulumi/awsx"); ${LOADED}`), "false");
  });

  it("are loaded when something of them is used, and are then what they are", () => {
    const { version } = require("typescript") as typeof import("typescript");
    assert.equal(run(`console.log(require("typescript").version);`), version);
    assert.equal(run(`console.log(Object.keys(require("typescript")).length > 1000);`), "true");
    assert.equal(run(`console.log("createProgram" in require("typescript"));`), "true");
  });
});
