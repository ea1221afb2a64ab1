import { clip, type Paint, table, WIDTH, wrap } from "../terminal";
import { kinds, type Version } from "./versions";

const INDENT = "  ";
const GAP = 2;
/** A digest takes no more of a line than this. */
const VERSION_WIDTH = 24;

const titles: Readonly<Record<Version["kind"], string>> = {
  kubernetes: "Kubernetes",
  "add-on": "EKS add-ons",
  chart: "Helm charts",
  crds: "CRDs",
  "machine image": "Machine images",
  image: "Container images",
};

/** The versions, a table for each kind, and what is in none of them. */
export function versionLines(
  project: string,
  stack: string,
  versions: readonly Version[],
  paint: Paint,
): string[] {
  const groups = kinds
    .map((kind) => ({ kind, rows: versions.filter((version) => version.kind === kind) }))
    .filter(({ rows }) => rows.length > 0);
  return [
    `${project}, stack ${stack}`,
    ...groups.flatMap(({ kind, rows }) => [
      "",
      paint("bold", titles[kind]),
      ...groupLines(rows, paint).map((line) => INDENT + line),
    ]),
    "",
    ...wrap(notListed, WIDTH).map((line) => paint("dim", line)),
  ];
}

function groupLines(versions: readonly Version[], paint: Paint): string[] {
  const rows = versions.map(
    ({ name, version }) => [name, clip(version ?? "known after `up`", VERSION_WIDTH)] as const,
  );
  const used = ([0, 1] as const).reduce(
    (sum, column) => sum + Math.max(...rows.map((row) => row[column].length)) + GAP,
    INDENT.length,
  );
  const cells = versions.map(({ source }, index) => [
    ...rows[index]!,
    clip(source.replace(/^https:\/\//, ""), WIDTH - used),
  ]);
  const untitled = { title: "" };
  return table([untitled, untitled, untitled], cells, paint).slice(1);
}

const notListed =
  "Not listed: images inside the charts, which rendering a chart shows (`helm template`), and npm " +
  "packages (`npm run -s sbom`). --json has whole addresses and digests.";
