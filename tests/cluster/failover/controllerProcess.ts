import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkoutRoot } from "../controlPlane/checkout";
import { freePorts } from "../controlPlane/freePorts";
import type { FleetOnServer } from "./fleetOnServer";

/** A line of the controller's log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Bundles the controller as its image has it. @returns path of the file */
export async function bundleController(folder: string): Promise<string> {
  const file = join(folder, "main.cjs");
  const bundler = join(checkoutRoot(), "apps/bundle.mjs");
  await promisify(execFile)(process.execPath, [bundler, "failover-controller", file]);
  return file;
}

/** Replicas of the controller as processes of their own: the bundle, the environment of its pod. */
export class ControllerProcesses {
  readonly #folder = mkdtempSync(join(tmpdir(), "diffusion-fleet-failover-"));
  readonly #running: ChildProcess[] = [];
  #bundle: Promise<string> | undefined;

  /** @param environment more of it, or other values than the program's */
  async start(
    fleet: FleetOnServer,
    pod: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ControllerProcess> {
    this.#bundle ??= bundleController(this.#folder);
    const bundle = await this.#bundle;
    const kubeconfig = join(this.#folder, `${pod}.kubeconfig`);
    writeFileSync(kubeconfig, (await fleet.controllerConfig()).exportConfig(), { mode: 0o600 });
    const [port] = await freePorts(1);
    const child = spawn(process.execPath, [bundle], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        KUBECONFIG: kubeconfig,
        NAMESPACE: fleet.namespace,
        POD_NAME: pod,
        STACK: fleet.environment("STACK"),
        STACK_LABEL_VALUE: fleet.environment("STACK_LABEL_VALUE"),
        NODE_OPTIONS: fleet.environment("NODE_OPTIONS"),
        PORT: String(port),
        ...environment,
      },
    });
    this.#running.push(child);
    return new ControllerProcess(child, port!);
  }

  stop(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class ControllerProcess {
  readonly lines: LogLine[] = [];
  #output = "";
  readonly #ended: Promise<number | null>;

  constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {
    child.stdout!.on("data", (chunk: Buffer) => {
      const parts = (this.#output + chunk.toString()).split("\n");
      this.#output = parts.pop()!;
      for (const line of parts) this.lines.push(JSON.parse(line) as LogLine);
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      const line = { time: "", level: "stderr", message: chunk.toString() };
      this.lines.push(line);
    });
    this.#ended = new Promise((resolve) => child.once("exit", resolve));
  }

  /** Body of one of its endpoints, and the HTTP status. */
  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** A sample of /metrics by its name and labels, as they stand there. */
  async metric(sample: string): Promise<number | undefined> {
    const { text } = await this.get("/metrics");
    const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  }

  async leads(): Promise<boolean> {
    return (await this.metric("failover_leader").catch(() => 0)) === 1;
  }

  /** Resident memory now, MiB. */
  residentMiB(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  /** The most that it has had, MiB. */
  peakMiB(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  /** CPU time that it has used, seconds. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // utime and stime, in clock ticks of a hundredth (getconf CLK_TCK).
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** @returns its status; null: a signal ended it */
  ended(): Promise<number | null> {
    return this.#ended;
  }
}
