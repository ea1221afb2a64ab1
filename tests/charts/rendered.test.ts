import assert from "node:assert/strict";
import { parse } from "yaml";
import { pinned } from "../../charts/pinned";
import { helm, packedChart } from "./packedChart";
import { type PlannedRelease, plannedReleases, valuesOf } from "./releases";
import { isMap, joined, keysOf, readRecord } from "./valuesRecord";

type Values = Record<string, unknown>;

/** Values that are right and yet change nothing here. */
const withoutEffectHere: Readonly<Record<string, readonly string[]>> = {
  "aws-load-balancer-controller": [
    // There is no IngressClass for them to be of.
    "ingressClassParams.create",
    // Looks for the Secret in the cluster, and here is none.
    "keepTLSSecret",
  ],
};

/** The manifests that a chart renders, without the certificates that are new each time. */
function rendered(file: string, release: PlannedRelease, values: Values): string {
  const { stdout, stderr, status } = render(file, release, values);
  assert.equal(status, 0, `${release.inputs.name}: ${stderr}`);
  return stdout;
}

function render(file: string, { inputs, kubernetesVersion }: PlannedRelease, values: Values) {
  const name = String(inputs.name);
  const { status, stdout, stderr } = helm(
    [
      ...["template", name, file, "--namespace", String(inputs.namespace)],
      ...["--kube-version", kubernetesVersion, "--values", "-"],
    ],
    JSON.stringify(values),
  );
  return { status, stderr, stdout: stdout.replace(/[A-Za-z0-9+/]{200,}={0,2}/g, "certificate") };
}

/** The paths that a chart's values end at: whole lists, and whatever is no map. */
function leaves(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (!isMap(value) || Object.keys(value).length === 0) return path.length === 0 ? [] : [path];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), value);
}

/** The values with another one at a path. */
function changed(values: Values, path: readonly string[]): Values {
  const copy = structuredClone(values);
  const parent = at(copy, path.slice(0, -1)) as Values;
  parent[path.at(-1)!] = anotherThan(at(values, path));
  return copy;
}

function anotherThan(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value === "boolean") return !value;
  return typeof value === "number" ? value + 1 : `${value}x`;
}

for (const chart of pinned.filter(({ repository }) => !repository.endsWith(".yaml")))
  describe(`The chart ${chart.name} itself`, () => {
    let file: string;
    let valuesYaml: string;
    let releases: readonly PlannedRelease[];
    before(async function () {
      const packed = packedChart(chart);
      if (packed.file === undefined) {
        this.test!.parent!.title += ` (skipped: ${packed.reason})`;
        return this.skip();
      }
      file = packed.file;
      valuesYaml = helm(["show", "values", file]).stdout;
      releases = (await plannedReleases()).filter(({ inputs }) => inputs.name === chart.name);
    });

    it("is of the pinned version and has the recorded keys", () => {
      assert.equal(parse(helm(["show", "chart", file]).stdout).version, chart.version);
      assert.deepEqual(keysOf(valuesYaml), readRecord(chart.name)?.keys);
    });

    it("renders with the planned values", () => {
      assert.equal(releases.length, 3);
      for (const release of releases)
        assert.notEqual(rendered(file, release, valuesOf(release)), "");
    });

    it("renders otherwise, or not at all, when any one of them is another", () => {
      const release = releases.at(-1)!;
      const values = valuesOf(release);
      const whole = rendered(file, release, values);
      const withoutEffect = leaves(values)
        .filter((path) => render(file, release, changed(values, path)).stdout === whole)
        .map(joined);
      assert.deepEqual(withoutEffect, withoutEffectHere[chart.name] ?? []);
    });
  });
