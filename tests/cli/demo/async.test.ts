import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { PNG } from "pngjs";
import { playableRuntimes } from "../../../cli/demo/playableRuntimes";
import { motoPackages, pythonWith } from "../../../cli/localAws/python";
import { writeProject } from "../tasks/projectOf";

const root = resolve(__dirname, "../../..");
const python = pythonWith(root, motoPackages);
const withMoto = python.interpreter !== undefined;

(withMoto ? describe : describe.skip)(
  `the demo of the asynchronous path${withMoto ? "" : ` (skipped: ${python.reason})`}`,
  () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "fleet-demo-test-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("draws an image for every task, and says so in its last line", async () => {
      const demo = start(["--tasks", "5", "--agents", "2", "--json", "--keep", folder]);
      assert.equal(await demo.status, 0, demo.stderr());
      const outcome = JSON.parse(demo.stdout().trimEnd().split("\n").at(-1)!);
      assert.deepEqual(Object.keys(outcome), [
        "submitted",
        "completed",
        "deadLettered",
        "images",
        "seconds",
      ]);
      const { submitted, completed, deadLettered, images } = outcome;
      assert.deepEqual([submitted, completed, deadLettered, images], [5, 5, 0, 5]);
      assert.match(demo.stderr(), /5 notifications came from the result topic/);
      assert.match(demo.stderr(), /queues, 3 topics, 1 table, /);
      assert.equal(demo.stderr().match(/^5 of 5 tasks completed/gm)?.length, 1);
      assert.doesNotMatch(demo.stderr(), /http:/);
      const pictures = readdirSync(folder).map((file) => readFileSync(join(folder, file)));
      assert.equal(new Set(pictures.map((picture) => picture.toString("base64"))).size, 5);
      for (const picture of pictures) assert.equal(PNG.sync.read(picture).height, 512);
    });

    it("leaves no process and no file behind when somebody interrupts it", async () => {
      const temporary = mkdtempSync(join(folder, "tmp-"));
      const demo = start(["--tasks", "200", "--keep", folder], { TMPDIR: temporary });
      await demo.says(/\d of 200 tasks completed/);
      // moto, the API, two agents with a runtime each.
      assert.equal(childrenOf(demo.pid).length, 6);
      await endsCleanly(demo, temporary);
    });

    it("keeps the API and agents up for tasks of the user's own", async () => {
      const temporary = mkdtempSync(join(folder, "tmp-"));
      const demo = start(["--serve", "--agents", "1"], { TMPDIR: temporary });
      await demo.says(/^export AWS_.*$/m);
      const environment = Object.fromEntries(
        [...demo.stdout().matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value]),
      );
      const own = fleet(
        ["tasks", "submit", "--runtime", "sd21-queue", "--prompt", "x", "--download", folder],
        environment,
      );
      assert.equal(await own.status, 0, own.stderr());
      assert.equal(readdirSync(folder).filter((file) => file.endsWith(".png")).length, 1);
      const letters = fleet(["tasks", "dead-letters", "sd21-queue"], environment);
      assert.equal(await letters.status, 0, letters.stderr());
      assert.match(letters.stdout(), /is empty/);
      await endsCleanly(demo, temporary);
    });

    it("refuses at once a stack that is not there, or has nothing to play", async () => {
      const temporary = mkdtempSync(join(folder, "tmp-"));
      for (const [stack, says] of [
        ["nope", /^There is no stack "nope"; .*\n$/],
        ["prod", /^Stack prod has no runtime .*\n$/],
      ] as const) {
        const demo = start(["--stack", stack], { TMPDIR: temporary });
        assert.equal(await demo.status, 2);
        assert.match(demo.stderr(), says);
      }
      assert.deepEqual(readdirSync(temporary), []);
    });

    it("ends when the stack's config turns out to be wrong, and says only that", async () => {
      const temporary = mkdtempSync(join(folder, "tmp-"));
      const project = mkdtempSync(join(folder, "project-"));
      writeProject(project, ["mode=costly"]);
      for (const name of ["apps", "cli", ".venv"])
        if (existsSync(join(root, name))) symlinkSync(join(root, name), join(project, name));
      const demo = start([], { TMPDIR: temporary, DIFFUSION_FLEET_PROJECT: project });
      assert.equal(await demo.status, 2, demo.stderr());
      assert.match(demo.stderr(), /costly/);
      assert.doesNotMatch(demo.stderr(), /What the processes said/);
      assert.deepEqual(readdirSync(temporary), []);
    });

    it("wants numbers that make sense", async () => {
      for (const args of [
        ["--tasks", "0"],
        ["--agents", "many"],
      ]) {
        const demo = start(args);
        assert.equal(await demo.status, 2);
        assert.match(demo.stderr(), /a whole number from 1 to/);
      }
    });
  },
);

/** By Ctrl-C: no process and no temporary file is left. */
async function endsCleanly(demo: ReturnType<typeof fleet>, temporary: string): Promise<void> {
  const children = childrenOf(demo.pid);
  process.kill(demo.pid, "SIGINT");
  assert.equal(await demo.status, 130, demo.stderr());
  assert.deepEqual(children.filter(isAlive), []);
  assert.deepEqual(readdirSync(temporary), []);
}

function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return fleet(["demo", "async", ...args], environment);
}

function fleet(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    process.execPath,
    [join(root, "cli/fleet.mjs"), ...args],
    {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const output = { stdout: "", stderr: "" };
  const waiting: (() => void)[] = [];
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      output[stream] += chunk;
      for (const look of waiting) look();
    });
  const status = new Promise<number | null>((ended) => child.once("close", ended));
  return {
    pid: child.pid!,
    status,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    says: (text: RegExp) =>
      new Promise<void>((said, failed) => {
        waiting.push(() => {
          if (text.test(output.stderr) || text.test(output.stdout)) said();
        });
        void status.then(() => failed(new Error(output.stderr)));
      }),
  };
}

/** Whether a process still does something; who adopts it may take its time to bury it. */
function isAlive(pid: number): boolean {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,stat="], { encoding: "utf8" }).split("\n");
  return lines.some((line) => new RegExp(`^\\s*${pid}\\s+[^Z]`).test(line));
}

function childrenOf(parent: number): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)!)
    .filter(([, , ppid, args]) => Number(ppid) === parent && !args!.includes("esbuild"))
    .map(([, pid]) => Number(pid));
}

describe("the runtimes of the demo", () => {
  const agents = new Map([
    ["workflows", { ADAPTER: "comfyui" }],
    ["drawings", { ADAPTER: "fleet" }],
  ]);

  it("are those that speak as our inference server does", () => {
    assert.deepEqual(playableRuntimes({ agents, taskApi: {} }, "dev"), ["drawings"]);
  });

  it("have to be there: otherwise it says what to configure", () => {
    agents.delete("drawings");
    for (const taskApi of [{}, undefined])
      assert.throws(() => playableRuntimes({ agents, taskApi }, "dev"), /async\.enabled has to be/);
  });
});
