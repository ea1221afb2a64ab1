import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Python } from "./localAws/python";

/** What a test or a bench of the inference server cannot do without. */
const packages = ["torch", "diffusers", "fastapi", "pytest-reportlog"];

/** The folder of the inference server's package. */
export function serverFolder(root: string): string {
  return join(root, "apps/inference-server");
}

/**
 * The interpreter of the inference server's own environment (`.venv` in its folder), if that has what
 * `requirements/test.txt` lists. Imports none of it.
 *
 * @param root the folder of the checkout
 */
export function serverPython(root: string): Python {
  const interpreter = join(serverFolder(root), ".venv/bin/python");
  if (!existsSync(interpreter))
    return { interpreter: undefined, reason: "apps/inference-server/.venv is not there" };
  const source = `from importlib.metadata import version\nfor each in ${JSON.stringify(packages)}: version(each)`;
  const { status, stderr } = spawnSync(interpreter, ["-c", source], { encoding: "utf8" });
  if (status === 0) return { interpreter };
  const missing = /No package metadata was found for ([\w-]+)/.exec(stderr ?? "")?.[1];
  return {
    interpreter: undefined,
    reason: `apps/inference-server/.venv has no ${missing ?? "Python that works"}`,
  };
}
