import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { UserError } from "../contracts/userError";

/** Folders that no image is built from. */
const ignored = new Set(["node_modules", ".git", "__pycache__", ".venv"]);

/**
 * A tag for the image that a folder builds: the same content, the same tag, on every machine. In a
 * repository with immutable tags a changed image needs a tag of its own.
 *
 * @param context folder of the build
 * @param dockerfile path of the Dockerfile
 * @returns 16 hexadecimal digits
 * @throws UserError when there is no such Dockerfile
 */
export function contextTag(context: string, dockerfile: string): string {
  if (!existsSync(dockerfile))
    throw new UserError(
      `diffusion-fleet:images.server.context: ${dockerfile} does not exist; ` +
        "it is what `images.server.source: local` builds from.",
    );
  const hash = createHash("sha256").update(readFileSync(dockerfile));
  for (const file of filesIn(context))
    hash.update(`\0${relative(context, file)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !ignored.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesIn(path);
      return entry.isFile() ? [path] : [];
    });
}
