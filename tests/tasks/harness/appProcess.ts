import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A line of an app's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Of each process, the last lines are kept. */
const KEPT_LINES = 2000;

const endWithParent = join(__dirname, "endWithParent.cjs");

/** A bundled app as a process of its own, with nothing of this one's environment but PATH. */
export class AppProcess {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals>;
  #errors = "";

  constructor(bundle: string, environment: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, ["--require", endWithParent, bundle], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
        ...environment,
      },
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (status, signal) => resolve(status ?? signal!));
    });
    createInterface(child.stdout).on("line", (line) => this.#read(line));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The last that it has said, for people. */
  get said(): string {
    const lines = this.lines.slice(-20).map((line) => JSON.stringify(line));
    return [...lines, this.#errors].join("\n");
  }

  /**
   * The first line that tells something.
   *
   * @throws Error when the process ends before, or does not say it in half a minute
   */
  async told<T>(what: string, tells: (line: LogLine) => T | undefined): Promise<T> {
    const deadline = performance.now() + 30_000;
    for (;;) {
      for (const line of this.lines) {
        const told = tells(line);
        if (told !== undefined) return told;
      }
      if (this.hasEnded || performance.now() > deadline)
        throw new Error(`the process does not say ${what}; it said:\n${this.said}`);
      await new Promise((again) => setTimeout(again, 10));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its status, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals> {
    return this.#ended;
  }

  /** Ends it, at once. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #read(text: string): void {
    let line: LogLine;
    try {
      line = JSON.parse(text) as LogLine;
    } catch {
      line = { level: "none", message: text };
    }
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.splice(0, KEPT_LINES / 2);
  }
}
