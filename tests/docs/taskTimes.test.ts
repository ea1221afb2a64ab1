import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type QueueTimes, queueTimes } from "../../fleet/queueing";
import { asyncSchema, runtimeSchema } from "../../stacks/config/async";

const page = readFileSync(resolve(__dirname, "../../docs/operations/tasks.md"), "utf8");

/** The table's rows, by the beginning of their first cell, and what they are of. */
const rows: Readonly<Record<string, keyof QueueTimes>> = {
  heartbeat: "heartbeatSeconds",
  visibility: "visibilitySeconds",
  receives: "maxReceiveCount",
  "retention of the queue": "retentionSeconds",
  "retention of dead letters": "deadLetterRetentionSeconds",
  drain: "drainSeconds",
  grace: "podGraceSeconds",
  record: "recordSeconds",
  inputs: "inputDays",
};

/** Numbers of the columns after the second, which says where they come from. */
function told(beginning: string): readonly number[] {
  const line = page.split("\n").find((text) => text.startsWith(`| ${beginning}`));
  const cells = line?.split("|").slice(3, -1) ?? [];
  return cells.map((cell) => Number(/\d+/.exec(cell)?.[0]));
}

/** The longest tasks of the table's head. */
const longestTasks = told("| From");

/** With everything else as it is by default. */
function timesOf(longestTaskSeconds: number): QueueTimes {
  const { backlogHours, results } = asyncSchema.parse({});
  const { maxAttempts } = runtimeSchema.parse({ accelerator: "g5", framework: "triton" });
  return queueTimes({ longestTaskSeconds, maxAttempts, backlogHours, resultDays: results.days });
}

describe("The times that the docs tell of a runtime's queue", () => {
  it("are of the default, and of the longest task that the config takes", () => {
    const ofLongest = (seconds: number) =>
      runtimeSchema.shape.longestTaskSeconds.safeParse(seconds).success;
    assert.equal(longestTasks[0], runtimeSchema.shape.longestTaskSeconds.parse(undefined));
    assert.ok(ofLongest(longestTasks.at(-1)!) && !ofLongest(longestTasks.at(-1)! + 1));
  });

  for (const [row, time] of Object.entries(rows))
    it(`are the program's: ${row}`, () =>
      assert.deepEqual(
        told(row),
        longestTasks.map((seconds) => timesOf(seconds)[time]),
      ));
});
