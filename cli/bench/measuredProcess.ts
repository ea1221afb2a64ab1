import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

// A signal would end this process without what it has to do at its exit.
const SIGNAL_STATUSES = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNAL_STATUSES;
const exitOn = (signal: Signal) => process.exit(SIGNAL_STATUSES[signal]);

/** A program as a process of its own, which ends when it is stopped, or with this process. */
export class MeasuredProcess {
  readonly #child: ChildProcess;
  #said = "";
  readonly #onExit = () => this.#child.kill("SIGKILL");

  /** @param environment all of it, but PATH */
  constructor(
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) {
    this.#child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, ...environment },
    });
    process.once("exit", this.#onExit);
    for (const signal of Object.keys(SIGNAL_STATUSES)) process.once(signal, exitOn);
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        this.#said = (this.#said + chunk).slice(-4000);
      });
  }

  /** @throws Error with the last that it said, when it has ended */
  assertRunning(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      throw new Error(`it has ended:\n${this.#said}`);
  }

  /** The most memory that it has had, MiB; Linux only. */
  peakMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  async stop(): Promise<void> {
    process.off("exit", this.#onExit);
    for (const signal of Object.keys(SIGNAL_STATUSES)) process.off(signal, exitOn);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
