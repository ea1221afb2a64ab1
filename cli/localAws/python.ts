import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { UserError } from "../../contracts/userError";

/** An interpreter that has some packages, or why there is none. */
export type Python =
  | { readonly interpreter: string }
  | { readonly interpreter: undefined; readonly reason: string };

/** What moto's server imports, beside itself. */
export const motoPackages = ["moto", "flask"] as const;

/**
 * The checkout's own environment (`.venv`) or else the machine's Python, whichever has the packages.
 *
 * @param root the folder of the checkout
 */
export function pythonWith(root: string, packages: readonly string[]): Python {
  return firstWith([join(root, ".venv/bin/python"), "python3"], packages);
}

/**
 * A Python that has moto: the checkout's, the machine's, or one of the user's cache, which is made
 * when it is not there yet.
 *
 * @param root the folder of the checkout
 * @param tell is told what takes long
 * @throws UserError that says what to install
 */
export async function pythonWithMoto(root: string, tell: (line: string) => void): Promise<string> {
  const own = environmentFolder();
  const interpreter = join(own, "bin/python");
  const found = pythonWith(root, motoPackages);
  if (found.interpreter !== undefined) return found.interpreter;
  if (firstWith([interpreter], motoPackages).interpreter !== undefined) return interpreter;
  tell(`${found.reason}; installing moto into ${own}, once`);
  const requirements = join(root, "tests/python/requirements.txt");
  try {
    rmSync(own, { recursive: true, force: true });
    mkdirSync(dirname(own), { recursive: true });
    await run("python3", ["-m", "venv", own]);
    await run(interpreter, ["-m", "pip", "install", "--quiet", "-r", requirements]);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    throw new UserError(
      `moto, which answers as AWS does, cannot be installed: ${(error as Error).message}\n` +
        "Install Python 3.10 or later with venv, and then:\n" +
        `  python3 -m venv ${join(root, ".venv")} && ${join(root, ".venv/bin/pip")} install -r ${requirements}`,
    );
  }
  return interpreter;
}

function firstWith(interpreters: readonly string[], packages: readonly string[]): Python {
  let reason = "there is no python3";
  for (const interpreter of interpreters) {
    if (interpreter.includes("/") && !existsSync(interpreter)) continue;
    const source = packages.map((name) => `import ${name}`).join("\n");
    const { status, stderr } = spawnSync(interpreter, ["-W", "ignore", "-c", source], {
      encoding: "utf8",
    });
    if (status === 0) return { interpreter };
    const missing = /No module named '([^']+)'/.exec(stderr ?? "")?.[1];
    if (missing !== undefined) reason = `${missing} is not installed`;
  }
  return { interpreter: undefined, reason };
}

function environmentFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "diffusion-fleet/python");
}

/** @throws Error with the last lines that a command wrote, when it fails or is not there */
function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output = (output + chunk).slice(-1000);
      });
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve();
      else reject(new Error(output.trim() || `${command} ended with ${status}`));
    });
  });
}
