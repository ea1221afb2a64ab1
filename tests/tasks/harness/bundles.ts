import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const root = resolve(__dirname, "../../..");

/** Files that Node runs. */
export interface Bundles {
  /** The API's local server. */
  readonly taskApi: string;
  /** The agent, as its image has it. */
  readonly queueAgent: string;
}

let bundles: Promise<Bundles> | undefined;

/** The apps as one file each, made once for all suites. */
export function appBundles(): Promise<Bundles> {
  bundles ??= makeBundles();
  return bundles;
}

async function makeBundles(): Promise<Bundles> {
  const folder = mkdtempSync(join(tmpdir(), "diffusion-fleet-tasks-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const made = {
    taskApi: join(folder, "task-api.cjs"),
    queueAgent: join(folder, "queue-agent.cjs"),
  };
  await Promise.all([
    bundle("task-api/local", made.taskApi),
    bundle("queue-agent", made.queueAgent),
  ]);
  return made;
}

async function bundle(app: string, file: string): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, "apps/bundle.mjs"), app, file]);
}
