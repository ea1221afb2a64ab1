import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import dockerignore from "@balena/dockerignore";
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
const ignored = new Set([
  ...["node_modules", ".git"],
  ...[".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"],
]);

/**
 * A tag for the image that a folder builds: the same content, the same tag, on every machine. In a
 * repository with immutable tags a changed image needs a tag of its own.
 *
 * @returns 16 hexadecimal digits
 * @throws UserError when the Dockerfile or a part is not there
 */
export function contextTag(build: BuildContext): string {
  const files = filesOf(build);
  const hash = createHash("sha256").update(readFileSync(build.dockerfile));
  for (const file of files)
    hash.update(`\0${relative(build.context, file)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

/**
 * The files that a tag is made of, the Dockerfile among them, by their path in the context.
 *
 * @throws UserError when the Dockerfile or a part is not there
 */
export function contextFiles(build: BuildContext): ReadonlyMap<string, string> {
  const files = [...filesOf(build), build.dockerfile];
  return new Map(files.map((file) => [relative(build.context, file), file]));
}

/** The Dockerfile's path in the context. */
export function dockerfileIn({ context, dockerfile }: BuildContext): string {
  return relative(context, dockerfile);
}

function filesOf({ context, dockerfile, parts, configKey }: BuildContext): readonly string[] {
  const paths = parts === undefined ? [context] : parts.map((part) => join(context, part));
  for (const path of [dockerfile, ...paths])
    if (!existsSync(path))
      throw new UserError(
        `diffusion-fleet:${configKey}: ${path} does not exist; it is what the image is built from.`,
      );
  const files = paths.flatMap(filesIn);
  const sent = parts === undefined ? unignored(context) : () => true;
  return files.filter((file) => sent(relative(context, file)));
}

/** What Docker would take of a folder, by its `.dockerignore`. */
function unignored(context: string): (path: string) => boolean {
  const file = join(context, ".dockerignore");
  if (!existsSync(file)) return () => true;
  return dockerignore().add(readFileSync(file, "utf8").split(/\r?\n/)).createFilter();
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
