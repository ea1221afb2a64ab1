import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program ended, or was not ready in time; the message has the end of its log. */
export class ProgramEnded extends Error {
  override readonly name = "ProgramEnded";
}

/**
 * Reads process ids until its input ends, which is when whoever writes them is gone, in whatever
 * way; then ends those processes and removes their folder. "gone" and an id: that one has ended
 * already, and its id may be somebody else's. "done" sends it home.
 */
const GUARD = `
while read -r line; do
  case "$line" in
    done) exit ;;
    gone*) pids="\${pids%% \${line#gone } *} \${pids#* \${line#gone } }" ;;
    *) pids="\${pids} $line " ;;
  esac
done
kill -9 $pids
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
`;

const LOG_LINES = 20;

/**
 * Programs with one temporary folder, which go with `stop` or with this process: also when it is
 * killed, because a guard in a session of its own watches it. A forgotten `stop` keeps nobody
 * waiting.
 */
export class Processes {
  /** Removed in the end. */
  readonly folder = mkdtempSync(join(tmpdir(), "diffusion-fleet-cluster-"));
  readonly #running = new Map<string, ChildProcess>();
  readonly #guard = spawn("sh", ["-c", GUARD, "sh", this.folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });

  constructor() {
    this.#guard.unref();
    (this.#guard.stdin as Socket).unref();
  }

  /** Where a program's output goes. */
  logOf(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  /**
   * Starts a program and waits until it is ready. One that has ended may be started again.
   *
   * @param name its own
   * @param ready asked over and over; a rejection means not yet
   * @throws ProgramEnded
   */
  async start(
    name: string,
    binary: string,
    args: readonly string[],
    ready: () => boolean | Promise<boolean>,
    timeoutSeconds = 60,
  ): Promise<void> {
    if (isAlive(this.#running.get(name))) throw new Error(`${name} runs already`);
    const log = openSync(this.logOf(name), "w");
    const child = spawn(binary, args, { cwd: this.folder, stdio: ["ignore", log, log] });
    closeSync(log);
    child.unref();
    this.#guard.stdin.write(`${child.pid}\n`);
    this.#running.set(name, child);
    let failure: string | undefined;
    child.once("error", ({ message }) => {
      failure = message;
    });
    child.once("exit", (code, signal) => {
      failure = `${name} ended with ${code ?? signal}`;
    });
    const deadline = Date.now() + timeoutSeconds * 1000;
    const isReady = async () => ready();
    while (!(await isReady().catch(() => false))) {
      if (Date.now() > deadline) failure ??= `${name} is not ready after ${timeoutSeconds} s`;
      if (failure !== undefined) throw new ProgramEnded(`${failure}:\n${this.#endOfLog(name)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  #endOfLog(name: string): string {
    return readFileSync(this.logOf(name), "utf8")
      .trimEnd()
      .split("\n")
      .slice(-LOG_LINES)
      .join("\n");
  }

  /**
   * Sends a signal to a program: `SIGSTOP` freezes it, so that connections stay open and nothing
   * answers, until `SIGCONT`.
   */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#running.get(name)?.kill(signal);
  }

  /** Ends one program, without a clean shutdown. Its log and its files stay. */
  async end(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined) return;
    await killed(child);
    this.#running.delete(name);
    this.#guard.stdin.write(`gone ${child.pid}\n`);
  }

  /** Ends all programs and removes the folder. Nothing in it is worth a clean shutdown. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(killed));
    this.#guard.stdin.end("done\n");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function isAlive(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function killed(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.ref();
  child.kill("SIGKILL");
  await gone;
}
