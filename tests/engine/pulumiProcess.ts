import { type ChildProcess, spawn, spawnSync } from "node:child_process";

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();

/** Ends what still runs, for a test run that ends before its time. */
export function killRunning(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Runs Pulumi's CLI. */
export function pulumi(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn("pulumi", [...args, "--non-interactive", "--color", "never"], {
      ...options,
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (chunk: string) => {
        output[stream] += chunk;
      });
    child.on("error", reject);
    child.on("close", (status) => {
      running.delete(child);
      resolve({ status, ...output });
    });
  });
}

/** Why the engine cannot run here, if it cannot. */
export function reasonToSkip(): string | undefined {
  for (const [command, args] of [
    ["pulumi", ["version"]],
    // The CLI's own program that starts ours; it prints how to use it, and fails.
    ["pulumi-language-nodejs", ["-help"]],
  ] as const)
    if (spawnSync(command, args, { stdio: "ignore" }).error !== undefined)
      return `${command} is not on the PATH`;
  return undefined;
}
