import { cp, mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { folderSource } from "./folderSource";
import type { ModelSource } from "./modelSource";
import { downloadWheels } from "./wheels";

/** The server's folder in this checkout, which need not be the project's. */
const APP = resolve(__dirname, "../../apps/inference-server");

/** What a packed artefact has beside its model; a model's own files are never called so. */
const serverPaths = /^(code|MAR-INF)\/|^model-config\.yaml$/;

export function isServerFile(path: string): boolean {
  return serverPaths.test(path);
}

/** What the container lacks: names, versions and hashes. */
export const containerRequirements = join(APP, "requirements/torchserve.txt");

/**
 * Puts our server into a folder as the container finds it in a model's: TorchServe's settings, the
 * package, and the wheels that it needs (apps/inference-server/torchserve).
 *
 * @param python of the container, `3.11`
 * @throws UserError when a wheel cannot be had
 */
export async function serverFiles(
  folder: string,
  python: string,
  requirements = containerRequirements,
): Promise<ModelSource> {
  const filter = (path: string) => basename(path) !== "__pycache__";
  await cp(join(APP, "torchserve"), folder, { recursive: true, filter });
  const code = join(folder, "code");
  await cp(join(APP, "inference_server"), join(code, "inference_server"), {
    recursive: true,
    filter,
  });
  const wheels = join(code, "wheels");
  await mkdir(wheels);
  await downloadWheels(requirements, python, wheels, APP);
  return folderSource(folder);
}
