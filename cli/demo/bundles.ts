import { basename, join } from "node:path";
import type { Processes } from "./processes";

/** Files that Node runs. */
export interface Bundles {
  readonly taskApi: string;
  readonly queueAgent: string;
  readonly drawingRuntime: string;
}

/** Makes them, the apps' as their images have them. */
export async function makeBundles(root: string, processes: Processes): Promise<Bundles> {
  const { folder } = processes;
  const bundles = {
    taskApi: join(folder, "task-api.cjs"),
    queueAgent: join(folder, "queue-agent.cjs"),
    drawingRuntime: join(folder, "drawing-runtime.cjs"),
  };
  const app = (entry: string, outfile: string) =>
    processes.run({
      name: `bundle-${basename(outfile, ".cjs")}`,
      args: [join(root, "apps/bundle.mjs"), entry, outfile],
      environment: {},
    });
  await Promise.all([
    app("task-api/local", bundles.taskApi),
    app("queue-agent", bundles.queueAgent),
    bundleRuntime(root, bundles.drawingRuntime),
  ]);
  return bundles;
}

async function bundleRuntime(root: string, outfile: string): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [join(root, "cli/demo/drawingRuntime.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    logLevel: "warning",
  });
}
