import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import Mocha from "mocha";
import { serverFolder, serverPython } from "../../../cli/serverPython";

/** Of which each is one of pytest's. */
interface PytestCase {
  /** By which pytest finds it, from this folder. */
  readonly nodeid: string;
  readonly title: string;
  readonly failure?: string;
  readonly skipped?: string;
}

const root = resolve(__dirname, "../../..");
const folder = serverFolder(root);
const python = serverPython(root);

if (python.interpreter === undefined)
  describe.skip(`The inference server (skipped: ${python.reason}; CONTRIBUTING.md says how to install what it needs)`, () => {
    it("passes the tests of its own suite");
  });
else {
  const { interpreter } = python;
  describe("The inference server", function () {
    this.timeout(1_200_000);

    // pytest runs once; its tests are reported and counted as if they were mocha's.
    before("run pytest", async function () {
      const suite = this.test!.parent!;
      const { cases, output, status } = await pytest(interpreter);
      for (const each of cases) suite.addTest(mochaTest(interpreter, each));
      if (status === 0 && cases.length > 0) return;
      // With the stacks of all that failed.
      console.error(output);
      if (cases.every(({ failure }) => failure === undefined))
        throw new Error(`pytest ended with ${status}`);
    });

    it("has types and a form that its linters find nothing wrong with", async () => {
      for (const args of [
        ["-m", "mypy"],
        ["-m", "ruff", "check", ".", "../../tests/apps/inference-server"],
        ["-m", "ruff", "format", "--check", ".", "../../tests/apps/inference-server"],
      ]) {
        const { status, output } = await run(interpreter, args);
        assert.equal(status, 0, `${args.join(" ")}:\n${output}`);
      }
    });

    it("has Dockerfiles that hadolint finds nothing wrong with, as have all apps", async () => {
      const apps = resolve(folder, "..");
      const files = readdirSync(apps, { withFileTypes: true })
        .filter((app) => app.isDirectory())
        .flatMap(({ name }) => readdirSync(join(apps, name)).map((file) => join(apps, name, file)))
        .filter((file) => basename(file).startsWith("Dockerfile"));
      assert.ok(files.length >= 5, files.join(" "));
      const { status, output } = await run(join(dirname(interpreter), "hadolint"), files);
      assert.equal(status, 0, output);
    });
  });
}

function mochaTest(interpreter: string, { nodeid, ...first }: PytestCase): Mocha.Test {
  if (first.skipped !== undefined)
    return new Mocha.Test(`${first.title} (skipped: ${first.skipped})`);
  let isTriedAgain = false;
  return new Mocha.Test(first.title, async () => {
    const failure = isTriedAgain ? await failureOf(interpreter, nodeid) : first.failure;
    isTriedAgain = true;
    if (failure !== undefined) assert.fail(failure);
  });
}

/** Of one test that runs alone. */
async function failureOf(interpreter: string, nodeid: string): Promise<string | undefined> {
  const { status, output } = await run(interpreter, [
    "-m",
    "pytest",
    "-c",
    "pyproject.toml",
    join(__dirname, nodeid),
  ]);
  return status === 0 ? undefined : output;
}

async function pytest(interpreter: string) {
  const reports = mkdtempSync(join(tmpdir(), "pytest-"));
  try {
    const file = join(reports, "report.jsonl");
    const { status, output } = await run(interpreter, ["-m", "pytest", `--report-log=${file}`]);
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    return { status, output, cases: casesOf(lines.map((line) => JSON.parse(line) as Report)) };
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

/** What pytest-reportlog writes; a test has up to three: its set-up, its call, its tear-down. */
interface Report {
  readonly $report_type: string;
  readonly nodeid: string;
  readonly when?: "setup" | "call" | "teardown";
  readonly outcome?: "passed" | "failed" | "skipped";
  /** Of a skipped one: path, line, reason. */
  readonly longrepr?:
    | null
    | string
    | readonly [string, number, string]
    | { readonly reprcrash?: { path: string; lineno: number; message: string } };
}

function casesOf(reports: readonly Report[]): readonly PytestCase[] {
  const cases = new Map<string, PytestCase>();
  for (const { $report_type, nodeid, outcome, longrepr } of reports) {
    const isCollected = $report_type === "CollectReport" && outcome === "passed";
    if (isCollected || !["TestReport", "CollectReport"].includes($report_type)) continue;
    const title = nodeid.replace(/^.*?([^/]+)\.py(::|$)/, "$1: ");
    const seen = cases.get(nodeid) ?? { nodeid, title };
    if (outcome === "failed") cases.set(nodeid, { ...seen, failure: reasonOf(longrepr) });
    else if (outcome === "skipped") cases.set(nodeid, { ...seen, skipped: reasonOf(longrepr) });
    else cases.set(nodeid, seen);
  }
  return [...cases.values()];
}

function reasonOf(longrepr: Report["longrepr"]): string {
  if (!longrepr || typeof longrepr === "string") return longrepr || "no reason is given";
  if ("reprcrash" in longrepr && longrepr.reprcrash !== undefined) {
    const { path, lineno, message } = longrepr.reprcrash;
    return `${path}:${lineno}: ${message}`;
  }
  return Array.isArray(longrepr) ? String(longrepr[2]).replace(/^Skipped: /, "") : "";
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly status: number; readonly output: string }> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    child.once("error", failed);
    child.once("close", (code) => done({ status: code ?? 1, output: output.slice(-30_000) }));
  });
}
