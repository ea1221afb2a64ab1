import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { withMeasurement } from "../../../cli/profile/applyMeasurement";
import { UserError } from "../../../contracts/userError";

const UNITS = "diffusion-fleet:units";
const measurement = { throughput: 112.5, latencySeconds: 0.61 };

/** The lines of `after` that are not in `before`, and the other way round. */
function changed(before: string, after: string) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return {
    gone: old.filter((line) => !now.includes(line)),
    added: now.filter((line) => !old.includes(line)),
  };
}

function unitsOf(text: string): Record<string, unknown> {
  return parse(text).config[UNITS];
}

describe("a measurement in a stack's file", () => {
  for (const stack of ["dev", "prod"])
    it(`is one more line in this project's own ${stack}, and nothing else`, () => {
      const text = readFileSync(join(__dirname, `../../../Pulumi.${stack}.yaml`), "utf8");
      for (const unit of Object.keys(unitsOf(text))) {
        const after = withMeasurement(text, UNITS, unit, measurement);
        assert.equal(after.before, undefined);
        assert.deepEqual(changed(text, after.text), {
          gone: [],
          added: ["      measurement: { throughput: 112.5, latencySeconds: 0.61 }"],
        });
        const { measurement: written } = unitsOf(after.text)[unit] as { measurement: unknown };
        assert.deepEqual(written, measurement);
      }
    });

  const head = `# Ours.\nconfig:\n  ${UNITS}: # all of them\n`;
  const forms: Readonly<Record<string, readonly [text: string, line: string]>> = {
    "in the place of another one, with what is said beside it": [
      `${head}    a: # first\n      measurement: { throughput: 1, latencySeconds: 2 } # by hand\n      model: m\n`,
      "      measurement: { throughput: 112.5, latencySeconds: 0.61 } # by hand",
    ],
    "in the place of one on lines of its own": [
      `${head}    a:\n      measurement:\n        # seen in May\n        throughput: 1 # a minute\n        latencySeconds: 2\n      model: m\n`,
      "        throughput: 112.5 # a minute",
    ],
    "in a unit on one line": [
      `${head}    a: { model: m, replicas: { min: 1 } } # short\n    b: { model: n }\n`,
      "    a: { model: m, replicas: { min: 1 }, measurement: { throughput: 112.5, latencySeconds: 0.61 } } # short",
    ],
    "after a list, before what is said of the next unit": [
      `${head}    a:\n      model: m\n      instanceTypes:\n        - g5.xlarge\n        - g5.2xlarge # large\n\n    # the other one\n    b:\n      model: n\n`,
      "      measurement: { throughput: 112.5, latencySeconds: 0.61 }",
    ],
    "in a file without an end of its last line": [
      `${head}    a:\n      model: m`,
      "      measurement: { throughput: 112.5, latencySeconds: 0.61 }",
    ],
  };
  for (const [name, [text, line]] of Object.entries(forms))
    it(`is ${name}`, () => {
      const { text: after } = withMeasurement(text, UNITS, "a", measurement);
      assert.ok(after.split("\n").includes(line), after);
      for (const [comment] of text.matchAll(/#.*/g)) assert.ok(after.includes(comment), comment);
      const expected = unitsOf(text);
      (expected.a as Record<string, unknown>).measurement = measurement;
      assert.deepEqual(unitsOf(after), expected);
    });

  it("says what was there before", () => {
    const text = `${head}    a: { measurement: { throughput: 1, latencySeconds: 2 } }\n`;
    const { before } = withMeasurement(text, UNITS, "a", measurement);
    assert.deepEqual(before, { throughput: 1, latencySeconds: 2 });
  });

  for (const [form, text] of [
    ["an alias", `${head}    b: &b { model: m }\n    a: *b\n`],
    ["nothing", `${head}    a:\n`],
    ["a measurement of another shape", `${head}    a:\n      measurement: 5\n`],
    ["no unit", `${head}    b: { model: m }\n`],
  ] as const)
    it(`is refused, and the file left as it is, where there is ${form}`, () => {
      assert.throws(
        () => withMeasurement(text, UNITS, "a", measurement),
        (error) => error instanceof UserError && /--apply: .*units\.a/.test(error.message),
      );
    });
});
