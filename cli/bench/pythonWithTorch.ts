import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../../contracts/userError";
import { serverFolder, serverPython } from "../serverPython";
import type { BenchContext } from "./bench";

/** Makes the inference server's environment, when it is not there yet. */
export async function installTorch({ launcher, progress }: BenchContext): Promise<void> {
  const root = dirname(dirname(launcher));
  if (serverPython(root).interpreter !== undefined) return;
  progress("installing PyTorch, 7 GB, once");
  const run = promisify(execFile);
  const folder = serverFolder(root);
  await run("python3", ["-m", "venv", join(folder, ".venv")]);
  await run(join(folder, ".venv/bin/pip"), [
    ...["install", "--quiet", "--disable-pip-version-check", "--require-hashes"],
    ...["-r", join(folder, "requirements/test.txt")],
  ]);
}

/** @throws UserError that says how to install what is missing */
export function pythonWithTorch(root: string): string {
  const python = serverPython(root);
  if (python.interpreter !== undefined) return python.interpreter;
  throw new UserError(
    `The inference server's packages are missing: ${python.reason}. To install them, 7 GB: ` +
      "npm run bench -- server --prepare",
  );
}
