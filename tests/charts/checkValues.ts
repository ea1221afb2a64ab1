import { nearest } from "../../stacks/config/nearest";
import { elementType, fieldsOf, isFreeMap, typesByKey } from "./kubernetesTypes";
import { isMap, joined, type Kind, kindOf, split, type ValuesRecord } from "./valuesRecord";

/** What a release's values are against its chart's record. */
export interface Findings {
  /** Keys that the chart does not know, and values of another kind than the chart's. */
  readonly problems: readonly string[];
  /** Keys that neither the chart nor Kubernetes has a list of, such as labels. */
  readonly unjudged: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

interface Known {
  kind: Kind;
  readonly children: Map<string, Known>;
}

/**
 * Looks each key of a release's values up in the chart's record. Below the record's `list`, `map` and
 * `any`, Kubernetes' type decides, where the key has the name of one.
 */
export function checkValues(record: ValuesRecord, values: Values): Findings {
  const problems: string[] = [];
  const unjudged: string[] = [];
  const report = (path: readonly string[], what: string) => {
    problems.push(`${record.chart}: ${joined(path)} ${what}`);
  };

  const visit = (value: unknown, known: Known, path: readonly string[]): void => {
    const type = kubernetesType(known, path);
    if (type !== undefined) visitKubernetes(value, type, path);
    else if (isMap(value) && known.children.size > 0)
      visitKeys(value, [...known.children.keys()], path, (child, key) =>
        visit(child, known.children.get(key)!, [...path, key]),
      );
    else if (known.kind !== "any" && !isUnknown(value) && kindOf(value) !== known.kind)
      report(path, `is a ${kindOf(value)}; the chart has a ${known.kind} there`);
    else if (isMap(value)) leaveToUser(value, path);
  };

  const visitKubernetes = (value: unknown, type: string, path: readonly string[]): void => {
    const element = elementType(type);
    const fields = fieldsOf(type);
    const wanted = element ? "list" : fields || isFreeMap(type) ? "map" : scalarKinds[type];
    if (isUnknown(value)) return;
    if (wanted !== undefined && kindOf(value) !== wanted)
      report(path, `is a ${kindOf(value)}; Kubernetes has a ${wanted} there`);
    else if (element !== undefined)
      for (const [index, child] of (value as unknown[]).entries())
        visitKubernetes(child, element, [...path, String(index)]);
    else if (fields !== undefined)
      visitKeys(value as Values, [...fields.keys()], path, (child, key) =>
        visitKubernetes(child, fields.get(key)!, [...path, key]),
      );
    else if (isMap(value) && ["limits", "requests"].includes(path.at(-1)!))
      visitKeys(value, [...containerResources, ...devicesIn(value)], path, () => {});
    else if (isMap(value)) leaveToUser(value, path);
  };

  const leaveToUser = (map: Values, path: readonly string[]) => {
    unjudged.push(...Object.keys(map).map((key) => joined([...path, key])));
  };

  const visitKeys = (
    map: Values,
    known: readonly string[],
    path: readonly string[],
    next: (child: unknown, key: string) => void,
  ) => {
    for (const [key, child] of Object.entries(map)) {
      if (known.includes(key)) next(child, key);
      else {
        const meant = nearest(key, known);
        report(
          [...path, key],
          `is not known${meant === undefined ? "" : `; did you mean ${meant}?`}`,
        );
      }
    }
  };

  const root = knownKeys(record);
  visitKeys(values, [...root.children.keys()], [], (child, key) =>
    visit(child, root.children.get(key)!, [key]),
  );
  return { problems, unjudged };
}

/** The client's names of scalars; what is named otherwise may be one of several. */
const scalarKinds: Readonly<Record<string, Kind>> = {
  string: "text",
  number: "number",
  boolean: "boolean",
};

/** The resources of a container that have no domain in their names; devices have one. */
const containerResources = ["cpu", "memory", "ephemeral-storage"];

function devicesIn(resources: Values): string[] {
  return Object.keys(resources).filter((name) => name.includes("/"));
}

function knownKeys({ keys, elsewhere }: ValuesRecord): Known {
  const root: Known = { kind: "map", children: new Map() };
  const add = (path: string, kind: Kind) => {
    let at = root;
    for (const key of split(path)) {
      if (!at.children.has(key)) at.children.set(key, { kind: "map", children: new Map() });
      at = at.children.get(key)!;
    }
    at.kind = kind;
  };
  for (const [path, kind] of Object.entries(keys)) add(path, kind);
  for (const [path, { kind }] of Object.entries(elsewhere)) add(path, kind);
  return root;
}

/**
 * Kubernetes' type of what stands at a key, by the key's name or, where a chart has one per
 * component, its parent's: unless the chart has keys there that the type has not.
 */
function kubernetesType({ kind, children }: Known, path: readonly string[]): string | undefined {
  const named = [...path]
    .reverse()
    .slice(0, 2)
    .find((key) => Object.hasOwn(typesByKey, key));
  const type = named && typesByKey[named];
  if (type === undefined) return undefined;
  if (elementType(type) !== undefined)
    return ["list", "any"].includes(kind) && children.size === 0 ? type : undefined;
  if (!["map", "any"].includes(kind)) return undefined;
  const fields = isFreeMap(type) ? undefined : fieldsOf(type);
  const theChartsOwn = [...children.keys()].filter((key) => fields && !fields.has(key));
  return theChartsOwn.length === 0 ? type : undefined;
}

/** A value that only AWS knows; the plan has a text in its place. */
function isUnknown(value: unknown): boolean {
  return typeof value === "string" && /^<(output of |secret)/.test(value);
}
