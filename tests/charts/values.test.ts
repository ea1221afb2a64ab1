import assert from "node:assert/strict";
import { pinned } from "../../charts/pinned";
import { checkValues } from "./checkValues";
import { type PlannedRelease, plannedReleases, valuesOf } from "./releases";
import { isMap, joined, readRecord, recordedCharts, type ValuesRecord } from "./valuesRecord";

/** The record of a release's chart, at the release's version. */
function recordFor({ inputs }: PlannedRelease): ValuesRecord {
  const [name, version] = [String(inputs.name), String(inputs.version)];
  const record = readRecord(name);
  const what = record === undefined ? "no record" : `a record of ${record.version} and none`;
  assert.equal(
    record?.version,
    version,
    `${name} has ${what} of ${version}. Run: npx ts-node tests/charts/record.ts ${name}`,
  );
  return record!;
}

type Values = Record<string, unknown>;

/** Each way to misspell one key of some values: where it is, and the values with it misspelt. */
function* misspelt(values: Values): Generator<{ path: string; values: Values }> {
  for (const path of keyPaths(values)) {
    const copy = structuredClone(values);
    let at: Values = copy;
    for (const key of path.slice(0, -1)) at = at[key] as Values;
    const key = path.at(-1)!;
    at[`${key}x`] = at[key];
    delete at[key];
    yield { path: joined(path), values: copy };
  }
}

/** The paths of all keys of all maps, those in lists too. */
function keyPaths(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [
    ...(isMap(value) ? [[...path, key]] : []),
    ...keyPaths(child, [...path, key]),
  ]);
}

describe("The values of Helm releases", () => {
  let releases: readonly PlannedRelease[];
  before(async () => {
    releases = await plannedReleases();
  });

  it("have a record of the chart's keys, of the version that is installed", () => {
    assert.equal(new Set(releases.map(({ name }) => name)).size, 7);
    for (const release of releases) {
      const record = recordFor(release);
      assert.match(record.sha256, /^[0-9a-f]{64}$/);
      assert.match(record.recorded, /^\d{4}-\d\d-\d\d$/);
      assert.match(record.source, /^(https|oci):\/\//);
    }
  });

  it("are told apart from the record's when a version changes, and what to do is said", () => {
    const [release] = releases.filter(({ name }) => name === "keda");
    const upgraded = { ...release!, inputs: { ...release!.inputs, version: "9.9.9" } };
    assert.throws(
      () => recordFor(upgraded),
      /keda has a record of 2\.20\.2 and none of 9\.9\.9\. Run: npx ts-node tests\/charts\/rec/,
    );
  });

  it("are values that their charts know, of the same kind", () => {
    for (const release of releases)
      assert.deepEqual(checkValues(recordFor(release), valuesOf(release)).problems, []);
  });

  it("cannot be misspelt: only labels are the user's to name", () => {
    const labels = /(^|\.)(nodeSelector|matchLabels)\.[^.]*(\\\.[^.]*)*$/;
    let found = 0;
    for (const release of releases) {
      const record = recordFor(release);
      const { unjudged } = checkValues(record, valuesOf(release));
      for (const path of unjudged) assert.match(path, labels, release.name);
      for (const { path, values } of misspelt(valuesOf(release))) {
        if (labels.test(path)) continue;
        const { problems } = checkValues(record, values);
        assert.ok(problems.length > 0, `${release.name}: ${path} may be misspelt`);
        found++;
      }
    }
    assert.ok(found > 300, String(found));
  });

  it("cannot be of another kind than the chart's", () => {
    const record = readRecord("keda")!;
    const problems = (values: Values) => checkValues(record, values).problems;
    assert.deepEqual(problems({ operator: { replicaCount: "2" } }), [
      "keda: operator.replicaCount is a text; the chart has a number there",
    ]);
    assert.deepEqual(problems({ tolerations: { key: "a" } }), [
      "keda: tolerations is a map; Kubernetes has a list there",
    ]);
    assert.deepEqual(problems({ tolerations: [{ key: 1 }] }), [
      "keda: tolerations.0.key is a number; Kubernetes has a text there",
    ]);
  });

  it("are named with the nearest key when one is not known", () => {
    assert.deepEqual(
      checkValues(readRecord("karpenter")!, { settings: { clustrName: "a" } }).problems,
      ["karpenter: settings.clustrName is not known; did you mean clusterName?"],
    );
  });
});

describe("The records of charts", () => {
  it("are of charts that are pinned, and of no others", () => {
    const names = pinned.map(({ name }) => name);
    for (const chart of recordedCharts()) assert.ok(names.includes(chart), chart);
  });

  it("say which chart each is of", () => {
    for (const chart of recordedCharts()) assert.equal(readRecord(chart)?.chart, chart);
  });
});
