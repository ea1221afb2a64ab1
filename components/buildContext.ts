import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { UserError } from "../contracts/userError";

/** What an image is built from. */
export interface BuildContext {
  /** Folder of the build. */
  readonly context: string;
  /** Path of the Dockerfile. */
  readonly dockerfile: string;
  /** Files and folders of the context that the image is made of; absent: all of it. */
  readonly parts?: readonly string[];
  /** The key of the config that wants the build. */
  readonly configKey: string;
}

/** Folders that no image is built from. */
const ignored = new Set(["node_modules", ".git", "__pycache__", ".venv"]);

/**
 * A tag for the image that a folder builds: the same content, the same tag, on every machine. In a
 * repository with immutable tags a changed image needs a tag of its own.
 *
 * @returns 16 hexadecimal digits
 * @throws UserError when the Dockerfile or a part is not there
 */
export function contextTag({ context, dockerfile, parts, configKey }: BuildContext): string {
  const paths = parts === undefined ? [context] : parts.map((part) => join(context, part));
  for (const path of [dockerfile, ...paths])
    if (!existsSync(path))
      throw new UserError(
        `diffusion-fleet:${configKey}: ${path} does not exist; ` +
          "it is what `source: local` builds from.",
      );
  const hash = createHash("sha256").update(readFileSync(dockerfile));
  for (const file of paths.flatMap(filesIn))
    hash.update(`\0${relative(context, file)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !ignored.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const inside = join(path, entry.name);
      return entry.isDirectory() || entry.isFile() ? filesIn(inside) : [];
    });
}
