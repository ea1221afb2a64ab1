import { spawn } from "node:child_process";

/** What Pulumi knows of a deployed stack; nothing where it is not installed or knows no such stack. */
export function stackOutput(
  root: string,
  stack: string,
  output: string,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn("pulumi", ["stack", "output", output, "--stack", stack], {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    child.on("error", () => resolve(undefined));
    child.on("close", (status) => resolve(status === 0 ? said.trim() : undefined));
  });
}
