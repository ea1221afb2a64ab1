import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * A Go program or module cannot be had on this machine: no Go, one that is too old, or no way to
 * the module registry. Nothing of the project is at fault; a test is skipped and gives the message
 * as the reason.
 */
export class GoUnavailable extends Error {
  override readonly name = "GoUnavailable";
}

/** To the end of the line, or of the text in JSON. */
const UNREACHABLE =
  /(dial (tcp|udp)|no such host|connection (refused|reset)|i\/o timeout|TLS handshake|deadline exceeded|proxyconnect|module lookup disabled|403 Forbidden|407 Proxy|50[234] (?:Bad|Service|Gateway))[^"\n]*/;
const TOO_OLD = /requires go >= \S+ \(running go \S+?[;)]|toolchain not available/;

/** Which Go there is, e.g. `go1.26.8`; undefined without one. */
export function goVersion(): string | undefined {
  const { stdout } = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" });
  return stdout?.trim() || undefined;
}

/** Where this project keeps what it has built or fetched, for all checkouts of a user. */
export function userCache(): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "diffusion-fleet");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Runs `go` in a folder, apart from any module or workspace of the user's.
 *
 * @returns what it printed
 * @throws GoUnavailable when this machine cannot do it; Error when it fails for another reason
 */
export async function runGo(args: readonly string[], cwd: string): Promise<string> {
  if (goVersion() === undefined) throw new GoUnavailable("Go is not installed");
  const { status, stdout, stderr } = await run(args, cwd);
  if (status === 0) return stdout;
  throw failure(`go ${args.join(" ")}`, `${stderr}${stdout}`);
}

async function run(args: readonly string[], cwd: string) {
  const child = spawn("go", args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CGO_ENABLED: "0",
      GOWORK: "off",
      GOFLAGS: `${process.env.GOFLAGS ?? ""} -mod=mod`.trim(),
    },
  });
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      text[stream] += chunk;
    });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { status, ...text };
}

function failure(command: string, output: string): Error {
  const old = TOO_OLD.exec(output);
  if (old !== null) return new GoUnavailable(`Go is too old: ${old[0].replace(/[;)]$/, ")")}`);
  const unreachable = UNREACHABLE.exec(output);
  if (unreachable !== null)
    return new GoUnavailable(`the Go module registry cannot be reached: ${unreachable[0]}`);
  return new Error(`${command} failed:\n${output}`);
}

/** A module in the module cache. */
export interface GoModule {
  /** Its files. */
  readonly Dir: string;
  /** Its go.mod; the one in `Dir` is the same. */
  readonly GoMod: string;
}

/**
 * Fetches a module, unless the module cache has it.
 *
 * @param version with its `v`
 * @throws GoUnavailable, Error as `runGo`
 */
export async function downloadModule(path: string, version: string): Promise<GoModule> {
  const printed = await runGo(["mod", "download", "-json", `${path}@${version}`], userCache());
  return JSON.parse(printed) as GoModule;
}
