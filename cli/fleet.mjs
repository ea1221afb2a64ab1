#!/usr/bin/env node
// Starts the `fleet` command line: bundles it with the program it plans and runs the bundle.
// Plain JavaScript without a build step, because it is the build step.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadLate } from "./latePackages.mjs";

const OLDEST_NODE = [20, 19];
const EXIT_WRONG_USE = 2;
const EXIT_INTERNAL = 3;
/** As a shell says it: this and the signal's number. */
const EXIT_BY_SIGNAL = 128;
/** The commands that run the program. */
const PLANNING = ["plan", "versions", "demo"];
/** The commands that do something outside of this process, so that they must not be repeated. */
const ACTING = ["tasks", "demo", "profile", "model"];

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const require = createRequire(import.meta.url);
const cache = join(root, "node_modules/.cache/diffusion-fleet");
const bundleFile = join(cache, "fleet.cjs");
const args = process.argv.slice(2);
// A test may put a project of its own in the place of this one.
const substitute = process.env.DIFFUSION_FLEET_PROJECT;
const isActing = ACTING.includes(args[0]);
const withTraces = process.env.DIFFUSION_FLEET_TRACES === "1" || isActing;
// Who runs a released `fleet` cannot do anything about it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

checkMachine();

// Pulumi's SDK captures a stack trace several times per property, which costs as much as planning
// itself. A run that fails unexpectedly is repeated with traces.
Error.stackTraceLimit = withTraces ? 100 : 0;
process.setSourceMapsEnabled(withTraces);

// Most of a run is the compilation of packages; Node 22 and later can keep the result.
Module.enableCompileCache?.(join(cache, "compiled"));

// Whoever reads stdout may stop early: `fleet plan | head`.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

let finished = false;
process.on("exit", (status) => {
  // A signal has ended it, which is no bug.
  if (finished || status >= EXIT_BY_SIGNAL) return;
  console.error("fleet: nothing is left to do, yet the command has not finished; this is a bug.");
  process.exitCode = EXIT_INTERNAL;
});

try {
  const bundling = bundle();
  if (PLANNING.includes(args[0])) {
    // Pulumi's SDK reads its switches from the environment when it loads.
    for (const name of Object.keys(process.env))
      if (name.startsWith("PULUMI_")) delete process.env[name];
    process.env.PULUMI_ERROR_OUTPUT_STRING = "true";
    loadLate();
    // It takes longer to load than the bundle to build, and another process builds that.
    require("@pulumi/pulumi");
  }
  const { main } = load(await bundling);
  process.exitCode = await main(args, substitute ?? root);
} catch (error) {
  process.exitCode = withTraces ? report(error) : repeatWithTraces();
}
finished = true;

function checkMachine() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor))
    stop(`fleet needs Node ${OLDEST_NODE.join(".")} or later; this is ${process.versions.node}.`);
  if (!existsSync(join(root, "node_modules", "esbuild")))
    stop(`The packages are not installed. Run: npm ci  (in ${root})`);
}

function stop(message) {
  console.error(message);
  process.exit(EXIT_WRONG_USE);
}

/** Builds the bundle in memory, so that runs side by side share no file. */
async function bundle() {
  const esbuild = require("esbuild");
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(here, "main.ts")],
    outfile: bundleFile,
    write: false,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: `node${OLDEST_NODE.join(".")}`,
    sourcemap: withTraces ? "inline" : false,
    logLevel: "error",
    plugins: substitute ? [projectAt(join(substitute, "project.ts"))] : [],
  });
  return outputFiles[0].text;
}

/** What `require` does, for code that is in no file. */
function load(code) {
  const module = new Module(bundleFile);
  module.filename = bundleFile;
  module.paths = Module._nodeModulePaths(here);
  module._compile(code, bundleFile);
  return module.exports;
}

function projectAt(path) {
  return {
    name: "project",
    setup: (build) => build.onResolve({ filter: /^\.{1,2}\/project$/ }, () => ({ path })),
  };
}

function repeatWithTraces() {
  const { status } = spawnSync(process.execPath, [...process.execArgv, process.argv[1], ...args], {
    stdio: "inherit",
    env: { ...process.env, DIFFUSION_FLEET_TRACES: "1" },
  });
  return status ?? EXIT_INTERNAL;
}

function report(error) {
  console.error(error?.name === "ProgramFailure" ? error.message : (error?.stack ?? error));
  return EXIT_INTERNAL;
}
