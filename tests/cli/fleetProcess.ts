import { spawn } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as its users do, on a fixture's project instead of this one. */
export function fleet(
  fixture: "small" | "failing",
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "cli/fleet.mjs"), ...args], {
      cwd: ROOT,
      env: {
        ...process.env,
        DIFFUSION_FLEET_PROJECT: join(__dirname, "fixtures", fixture),
        ...environment,
      },
    });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (chunk: string) => {
        output[stream] += chunk;
      });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, ...output }));
  });
}
