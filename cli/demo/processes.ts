import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Time that a process has to end by itself. */
const END_MS = 5000;

/** What a shell says of a command that a signal ended: 128 and the signal's number. */
const SIGNAL_STATUSES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export interface ProcessOptions {
  readonly name: string;
  /** Arguments for Node. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A process that was to go on has ended, or one that was to do something has failed. */
export class ProcessEnded extends Error {}

/**
 * Processes that end with this one, however it ends: by itself, by an error, or by a signal. What
 * they say goes to files.
 */
export class Processes {
  private readonly running = new Map<string, ChildProcess>();
  private readonly others: (() => void)[] = [];
  private readonly onExit = () => this.kill();
  private isEnding = false;
  private reportDeath: (error: Error) => void = () => undefined;
  /** Rejects when a process ends that was to go on. */
  readonly death: Promise<never>;

  /** @param folder where the files are; with a signal, nobody wants to read them, and it goes */
  constructor(readonly folder: string) {
    this.death = new Promise((_, reject) => {
      this.reportDeath = reject;
    });
    this.death.catch(() => undefined);
    process.once("exit", this.onExit);
    for (const signal of Object.keys(SIGNAL_STATUSES) as (keyof typeof SIGNAL_STATUSES)[])
      process.once(signal, () => {
        this.kill();
        rmSync(folder, { recursive: true, force: true });
        process.exit(SIGNAL_STATUSES[signal]);
      });
  }

  /** Something else that is to end, too; at once, where the others have ended. */
  add(stop: () => void): void {
    this.others.push(stop);
    if (this.isEnding) stop();
  }

  /**
   * Starts a process, and waits for what it says when it is ready.
   *
   * @param ready what a line of its output tells; undefined: not yet
   * @throws ProcessEnded when it ends before, with the last that it said
   */
  async start<T>(options: ProcessOptions, ready: (line: string) => T | undefined): Promise<T> {
    const child = this.spawned(options);
    return await new Promise<T>((resolve, reject) => {
      createInterface(child.stdout!).on("line", (line) => {
        const told = ready(line);
        if (told !== undefined) resolve(told);
      });
      child.once("exit", () => reject(this.dead(options.name)));
    });
  }

  /**
   * Runs a process until it ends.
   *
   * @throws ProcessEnded when it fails, with the last that it said
   */
  async run(options: ProcessOptions): Promise<void> {
    const child = this.spawned(options, true);
    const status = await new Promise((resolve) => child.once("exit", resolve));
    this.running.delete(options.name);
    if (status !== 0) throw this.dead(options.name);
  }

  /** Lets all of them end, and ends those that do not. */
  async end(): Promise<void> {
    this.isEnding = true;
    const children = [...this.running.values()];
    const ends = children.map((child) =>
      child.exitCode === null && child.signalCode === null
        ? new Promise((ended) => child.once("exit", ended))
        : undefined,
    );
    for (const child of children) child.kill("SIGTERM");
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise((passed) => {
      deadline = setTimeout(passed, END_MS);
    });
    await Promise.race([Promise.all(ends), late]);
    clearTimeout(deadline);
    this.kill();
    process.off("exit", this.onExit);
  }

  private spawned({ name, args, environment }: ProcessOptions, mayEnd = false): ChildProcess {
    const log = createWriteStream(this.logOf(name));
    const child = spawn(process.execPath, args, {
      // Nothing of the user's own AWS credentials and settings.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once("exit", () => {
      log.end();
      if (!mayEnd && !this.isEnding) this.reportDeath(this.dead(name));
    });
    this.running.set(name, child);
    return child;
  }

  private kill(): void {
    for (const child of this.running.values()) child.kill("SIGKILL");
    for (const stop of this.others) stop();
  }

  private dead(name: string): ProcessEnded {
    const said = readFileSync(this.logOf(name), "utf8").trim().split("\n").slice(-10).join("\n");
    return new ProcessEnded(`${name} has ended. It said last:\n${said || "nothing"}`);
  }

  private logOf(name: string): string {
    return join(this.folder, `${name}.log`);
  }
}
