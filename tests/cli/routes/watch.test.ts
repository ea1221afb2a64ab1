import assert from "node:assert/strict";
import { Unreachable } from "../../../cli/routes/clusterReader";
import { type RoutesReport, routesReport } from "../../../cli/routes/report";
import { watchRoutes } from "../../../cli/routes/watch";
import { UserError } from "../../../contracts/userError";
import { failedOver, now, type Seen, seen } from "./seen";

const place = { context: "prod", server: "https://example.invalid", namespace: "diffusion-fleet" };

/** A report of so many seconds later. */
function report(seconds: number, given: Seen = {}): RoutesReport {
  return routesReport(place, { ...seen(given), at: now + seconds * 1000 });
}

/** What is written when a cluster answers so, one after the other. */
async function shown(
  answers: readonly (RoutesReport | Error)[],
  { json = false, isTTY = false, rows = 50 } = {},
) {
  const written = { stdout: [] as string[], stderr: [] as string[] };
  const stream = (name: "stdout" | "stderr") => ({
    isTTY,
    rows,
    write: (text: string) => written[name].push(text) > 0,
  });
  const ended = new AbortController();
  const left = [...answers];
  const read = async () => {
    const next = left.shift()!;
    if (left.length === 0) ended.abort();
    if (next instanceof Error) throw next;
    return next;
  };
  await watchRoutes(read, {
    json,
    until: ended.signal,
    stdout: stream("stdout") as unknown as NodeJS.WriteStream,
    stderr: stream("stderr"),
    intervalMs: 1,
  });
  return written;
}

const over: Seen = { mode: "capacity", status: failedOver };
const away = new Unreachable("The cluster cannot be reached.");

describe("`fleet routes --watch`", () => {
  it("prints to a pipe when something has happened, not when time has passed", async () => {
    const { stdout } = await shown([report(0), report(2), report(4, over), report(6, over)]);
    assert.equal(stdout.length, 2);
    assert.match(stdout[0]!, /^--- 2026-11-15T03:20:00.000Z\n/);
    assert.match(stdout[1]!, /failed over/);
  });

  it("repaints a terminal each time, and never more than it has rows", async () => {
    const { stdout } = await shown([report(0, over), report(2, over)], { isTTY: true, rows: 10 });
    const pictures = stdout.filter((text) => text.includes("Ctrl-C"));
    assert.equal(pictures.length, 2);
    for (const picture of pictures) {
      assert.equal(picture.trimEnd().split("\n").length, 10);
      assert.match(picture, /more lines than the window has/);
    }
  });

  it("says that the cluster is away, and goes on when it is back", async () => {
    const { stdout } = await shown([report(0), away, away, report(6)]);
    assert.equal(stdout.length, 3);
    assert.match(
      stdout[1]!,
      /cannot be reached\. What is shown was read before that; trying\s+again/,
    );
    assert.match(stdout[2]!, /as configured/);
  });

  it("prints one object a line with --json, and trouble to stderr", async () => {
    const { stdout, stderr } = await shown([report(0), away, report(4, over)], { json: true });
    const modes = stdout.map((line) => JSON.parse(line).models[0].mode);
    assert.deepEqual(modes, ["cost", "capacity"]);
    assert.deepEqual(stderr, ["The cluster cannot be reached.\n"]);
  });

  it("ends when the first look fails, or the cluster refuses later on", async () => {
    await assert.rejects(shown([away, report(0)]), Unreachable);
    await assert.rejects(shown([report(0), new UserError("refused"), report(4)]), /refused/);
  });
});
