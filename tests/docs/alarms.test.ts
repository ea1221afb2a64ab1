import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ofType, planOf } from "../program/planned";

const root = resolve(__dirname, "../..");

function page(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Names of a page's table of alarms, with any name in the place of `UNIT`, `RUNTIME`, `MODEL`, `ENDPOINT`. */
function documented(path: string): readonly RegExp[] {
  const names = [...page(path).matchAll(/^\| `([-A-Za-z]+)` \|/gm)].map(([, name]) => name!);
  return names.map((name) => new RegExp(`^${name.replace(/UNIT|RUNTIME|MODEL|ENDPOINT/, ".+")}$`));
}

/** The alarms of a stack, by name without the stack's. */
async function planned(stack: string): Promise<ReadonlyMap<string, Record<string, unknown>>> {
  const alarms = ofType(await planOf(stack), "aws:cloudwatch/metricAlarm:MetricAlarm");
  return new Map(alarms.map(({ name, inputs }) => [name.replace(/^alarms-/, ""), inputs]));
}

describe("The alarms in the docs", () => {
  for (const stack of ["dev", "prod", "managed"])
    it(`are all that ${stack} has, in the table for who is on call`, async () => {
      const rows = documented("docs/how-to/on-call.md");
      const missing = [...(await planned(stack)).keys()].filter(
        (name) => !rows.some((row) => row.test(name)),
      );
      assert.deepEqual(missing, []);
    });

  it("are all of the asynchronous path, in the page about tasks", async () => {
    const rows = documented("docs/operations/tasks.md");
    const ofTasks = /^(task-api|topic|runtime|dead-letters-tasks)-/;
    const missing = [...(await planned("dev")).keys()].filter(
      (name) => ofTasks.test(name) && !rows.some((row) => row.test(name)),
    );
    assert.deepEqual(missing, []);
  });

  it("have the headings that alarms lead to", async () => {
    const descriptions = [...(await planned("dev")).values()].map((it) => it.alarmDescription);
    const leads = descriptions.flatMap((text) => [
      ...String(text).matchAll(/\((docs\/[-\w/]+\.md), "([^"]+)"\)/g),
    ]);
    assert.ok(leads.length >= 4, `only ${leads.length}`);
    for (const [, path, heading] of leads)
      assert.ok(page(path!).includes(`\n## ${heading}\n`), `${path}: ${heading}`);
  });
});
