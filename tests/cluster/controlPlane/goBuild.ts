import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadModule, GoUnavailable, goVersion, runGo, userCache } from "./go";

/** A program of a public Go module. */
export interface GoProgram {
  readonly module: string;
  /** With its `v`. */
  readonly version: string;
  /** Import path of its main package. */
  readonly package: string;
  /**
   * Version of the modules that the module's own go.mod requires at v0.0.0 because they lie in the
   * same repository. They are published apart, and only a main module may say which are meant.
   */
  readonly stagingVersion?: string;
  /** Variables to set when linking, by import path and name. */
  readonly variables?: Readonly<Record<string, string>>;
}

export type Progress = (text: string) => void;

/** A build takes minutes, so a terminal or a log shall see that it goes on. */
export const onStderr: Progress = (text) => void process.stderr.write(`${text}\n`);

/**
 * A program's binary, built once for each version of it and of Go. Processes side by side may ask
 * for the same: each builds its own, and the last one to finish replaces the others' at once.
 *
 * @returns path of the binary
 * @throws GoUnavailable when it is not built yet and this machine cannot; Error when the build fails
 */
export async function buildProgram(
  name: string,
  program: GoProgram,
  progress: Progress = onStderr,
): Promise<string> {
  const go = goVersion();
  if (go === undefined) throw new GoUnavailable("Go is not installed");
  const cache = join(userCache(), "programs");
  const binary = join(cache, `${name}-${program.version}-${go}`);
  if (existsSync(binary)) return binary;

  mkdirSync(cache, { recursive: true });
  // In the same folder, hence on the same file system, where renaming is atomic.
  const folder = mkdtempSync(join(cache, ".building-"));
  try {
    await whileSaying(`building ${name} ${program.version} with ${go}, once`, progress, () =>
      build(program, folder),
    );
    renameSync(join(folder, "program"), binary);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return binary;
}

async function build(program: GoProgram, folder: string): Promise<void> {
  const { GoMod } = await downloadModule(program.module, program.version);
  await writeFile(join(folder, "go.mod"), goMod(program, readFileSync(GoMod, "utf8")));
  const variables = Object.entries(program.variables ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  const linker = ["-s", "-w", ...variables.map((assignment) => `-X ${assignment}`)].join(" ");
  // No -trimpath: so compiled, a package is the one that Go's build cache may have already.
  await runGo(["build", `-ldflags=${linker}`, "-o", "program", program.package], folder);
}

/**
 * The go.mod of a module that only wants a program of another.
 *
 * @param published the go.mod of the program's own module
 */
export function goMod(program: GoProgram, published: string): string {
  const { module, version, stagingVersion } = program;
  const language = /^go \S+$/m.exec(published)?.[0] ?? "";
  const staging = [...published.matchAll(/^\s*(?:require )?(\S+) v0\.0\.0(?: \/\/.*)?$/gm)].map(
    ([, path]) => `replace ${path} => ${path} ${stagingVersion}`,
  );
  if (staging.length > 0 && stagingVersion === undefined)
    throw new Error(`${module} requires modules at v0.0.0: say which by stagingVersion`);
  return ["module built", language, `require ${module} ${version}`, ...staging, ""].join("\n");
}

async function whileSaying<T>(what: string, progress: Progress, act: () => Promise<T>): Promise<T> {
  const started = Date.now();
  const minutes = () => `${((Date.now() - started) / 60_000).toFixed(1)} min`;
  progress(`${what} …`);
  const timer = setInterval(() => progress(`${what} … ${minutes()}`), 60_000);
  try {
    const result = await act();
    progress(`${what}: ${minutes()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
