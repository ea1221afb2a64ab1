import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

const folder = resolve(__dirname, "../../../apps/service");

interface Line {
  readonly level: string;
  readonly message: string;
  readonly step?: string;
  readonly error?: { readonly stack: string };
}

/** A process that stops as apps do, and what it has said. */
class App {
  readonly #child: ChildProcess;
  #output = "";

  /** @param script what it does, with `log`, `stopOnSignals` and `wait(ms)` */
  constructor(script: string) {
    const code = `
      const log = require("${folder}/log").createLog("info", {});
      const { stopOnSignals } = require("${folder}/stop");
      const wait = (ms) => new Promise((done) => setTimeout(done, ms));
      setInterval(() => {}, 1000);
      ${script}
      log.info("started");`;
    const register = ["--require", "ts-node/register/transpile-only"];
    this.#child = spawn(process.execPath, [...register, "--eval", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
  }

  get lines(): Line[] {
    return this.#output
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  get messages(): string[] {
    return this.lines.map(({ message }) => message);
  }

  async says(message: string): Promise<void> {
    for (const deadline = Date.now() + 20_000; !this.messages.includes(message); ) {
      assert.ok(Date.now() < deadline, `it says ${message}: ${this.#output}`);
      await new Promise((again) => setTimeout(again, 10));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit status. */
  async ended(): Promise<number | null> {
    const [status] = (await once(this.#child, "close")) as [number | null];
    return status;
  }
}

const steps = `[
  { name: "first", stop: async () => { await wait(100); log.info("first"); } },
  { name: "second", stop: () => log.info("second") },
]`;

describe("An app that is told to stop", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    it(`takes its steps in their order on ${signal}, and ends with 0`, async () => {
      const app = new App(`stopOnSignals({ log, steps: ${steps} });`);
      await app.says("started");
      app.kill(signal);
      assert.equal(await app.ended(), 0);
      assert.deepEqual(app.messages, ["started", "stopping", "first", "second", "stopped"]);
    });

  it("ends with 1 when the deadline has passed", async () => {
    const stuck = `[{ name: "stuck", stop: () => new Promise(() => {}) }]`;
    const app = new App(`stopOnSignals({ log, steps: ${stuck}, deadlineMs: 200 });`);
    await app.says("started");
    app.kill("SIGTERM");
    assert.equal(await app.ended(), 1);
    assert.equal(app.messages.at(-1), "not stopped in time");
  });

  it("takes the other steps when one fails, and ends with 1", async () => {
    const failing = `[{ name: "failing", stop: () => { throw new Error("no"); } }, ...${steps}]`;
    const app = new App(`stopOnSignals({ log, steps: ${failing} });`);
    await app.says("started");
    app.kill("SIGTERM");
    assert.equal(await app.ended(), 1);
    assert.deepEqual(app.messages.slice(-3), ["first", "second", "stopped"]);
    assert.equal(app.lines.find(({ step }) => step !== undefined)?.step, "failing");
  });

  it("ends at once at a second signal", async () => {
    const slow = `[{ name: "slow", stop: () => wait(60000) }]`;
    const app = new App(`stopOnSignals({ log, steps: ${slow} });`);
    await app.says("started");
    app.kill("SIGTERM");
    await app.says("stopping");
    app.kill("SIGTERM");
    assert.equal(await app.ended(), 1);
  });

  for (const [what, code] of [
    ["an exception", `setTimeout(() => { throw new Error("bug"); }, 50);`],
    ["a rejection", `Promise.reject(new Error("bug"));`],
  ])
    it(`ends with 1 and a stack after ${what} that nobody has dealt with`, async () => {
      const app = new App(`stopOnSignals({ log, steps: ${steps} }); ${code}`);
      assert.equal(await app.ended(), 1);
      const last = app.lines.at(-1) as Line;
      assert.equal(last.level, "fatal");
      assert.match(last.error?.stack as string, /Error: bug\n +at/);
    });
});
