import assert from "node:assert/strict";
import fc from "fast-check";
import { type Comparable, changesBetween, differenceOf } from "../../../cli/plan/difference";

function resource(
  name: string,
  inputs: Record<string, unknown>,
  ignoreChanges: string[] = [],
  stack = "dev",
): Comparable {
  return {
    urn: `urn:pulumi:${stack}::app::aws:s3/bucket:Bucket::${name}`,
    type: "aws:s3/bucket:Bucket",
    name,
    parent: null,
    inputs,
    dependencies: [],
    ignoreChanges,
  };
}

const paths = (before: unknown, after: unknown) =>
  changesBetween(before, after).map(({ path }) => path);

describe("the difference of two plans", () => {
  it("is what is new, gone, or has other inputs", () => {
    const { created, deleted, updated } = differenceOf(
      [resource("same", { a: 1 }), resource("gone", {}), resource("other", { a: { b: [1, 2] } })],
      [resource("same", { a: 1 }), resource("new", {}), resource("other", { a: { b: [1, 3] } })],
    );
    assert.deepEqual([created.map((r) => r.name), deleted.map((r) => r.name)], [["new"], ["gone"]]);
    assert.deepEqual(
      updated.map(({ name, changes }) => [name, changes]),
      [["other", [{ path: "a.b[1]", before: 2, after: 3 }]]],
    );
  });

  it("takes two stacks of one project for one", () => {
    const { created, deleted, updated } = differenceOf(
      [resource("bucket", { a: 1 }, [], "prod")],
      [resource("bucket", { a: 2 }, [], "dev")],
    );
    assert.deepEqual([created, deleted, updated.length], [[], [], 1]);
  });

  it("writes paths as Pulumi does", () => {
    assert.deepEqual(
      paths(
        { spec: { rules: [{ refs: [{ weight: 1 }] }] } },
        { spec: { rules: [{ refs: [{ weight: 2 }] }] } },
      ),
      ["spec.rules[0].refs[0].weight"],
    );
    assert.deepEqual(paths({ data: { "a.json": 1 } }, { data: { "a.json": 2 } }), [
      'data["a.json"]',
    ]);
    assert.deepEqual(paths({ list: [1] }, { list: [1, 2] }), ["list[1]"]);
    assert.deepEqual(paths({ a: {} }, { a: [] }), ["a"]);
  });

  it("leaves out what `ignoreChanges` covers: whole subtrees, wildcards, and additions", () => {
    const changed = (ignore: string[], before: object, after: object) =>
      differenceOf(
        [resource("r", { ...before })],
        [resource("r", { ...after }, ignore)],
      ).updated.flatMap(({ changes }) => changes.map(({ path }) => path));
    const before = { spec: { rules: [{ w: 1 }], hosts: ["a"] } };
    const after = { spec: { rules: [{ w: 2 }, { w: 3 }], hosts: ["b"] } };
    assert.deepEqual(changed(["spec.rules"], before, after), ["spec.hosts[0]"]);
    assert.deepEqual(changed(["spec.rules[*].w"], before, after), [
      "spec.rules[1]",
      "spec.hosts[0]",
    ]);
    assert.deepEqual(changed(["spec.*"], before, after), []);
    assert.deepEqual(changed(["spec"], before, after), []);
    assert.deepEqual(
      changed(["metadata.labels"], before, { ...before, metadata: { labels: {} } }),
      ["metadata"],
    );
  });

  it("is nothing between a plan and itself, whatever is in it", () => {
    fc.assert(
      fc.property(fc.object(), (inputs) => {
        const copy = structuredClone(inputs) as Record<string, unknown>;
        assert.deepEqual(
          differenceOf([resource("r", copy)], [resource("r", inputs as never)]).updated,
          [],
        );
      }),
    );
  });

  it("is something whenever the inputs differ as JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const same = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
        assert.equal(changesBetween(before, after).length === 0, same);
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { entries: entries.map(([key, inner]) => [key, sorted(inner)]) };
}
