import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** What one whole process took. */
export interface ProcessRun {
  readonly wallSeconds: number;
  /** Peak resident memory of the process itself, MiB. */
  readonly peakMiB: number;
  /** Packages that a file in `from` required, in their order. */
  readonly packages: readonly string[];
}

/** Runs in the measured process, and tells the measuring one on file descriptor 3. */
const REPORT = `
const { readFileSync, writeSync } = require("node:fs");
const Module = require("node:module");
const from = process.env.DIFFUSION_FLEET_BENCH_FROM;
const packages = new Set();
if (from) {
  const load = Module._load;
  Module._load = function (request, parent, ...rest) {
    if (parent?.filename?.startsWith(from) && !/^[./]/.test(request) && !Module.isBuiltin(request)) packages.add(request);
    return load.call(this, request, parent, ...rest);
  };
}
function peakOf() {
  // On Linux maxRSS begins with what the process had that started this one.
  try {
    return Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
process.on("exit", () => {
  const peakKiB = peakOf();
  writeSync(3, JSON.stringify({ peakMiB: peakKiB / 1024, packages: [...packages] }));
});
`;

/**
 * Runs Node once and measures it from outside.
 *
 * @param folder where the reporting code may be written
 * @param from   report the packages that files under this path require; slows the process down
 * @param environment variables beside this process's own
 * @throws Error when the process fails, with what it said
 */
export async function runNode(
  folder: string,
  args: readonly string[],
  from = "",
  environment: Readonly<Record<string, string>> = {},
): Promise<ProcessRun> {
  const report = join(folder, "bench-report.cjs");
  writeFileSync(report, REPORT);
  const started = performance.now();
  const child = spawn(process.execPath, ["--require", report, ...args], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment, DIFFUSION_FLEET_BENCH_FROM: from },
  });
  const [errors, reported] = [child.stderr, child.stdio[3]].map((stream) => {
    const chunks: Buffer[] = [];
    stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  }) as [Buffer[], Buffer[]];
  let wallSeconds = 0;
  child.on("exit", () => {
    wallSeconds = (performance.now() - started) / 1000;
  });
  const status = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (status !== 0)
    throw new Error(`node ${args.join(" ")} ended with ${status}: ${Buffer.concat(errors)}`);
  const { peakMiB, packages } = JSON.parse(Buffer.concat(reported).toString());
  return { wallSeconds, peakMiB, packages };
}
