import { clip, type Paint, WIDTH, wrap } from "../terminal";
import type { PlannedResource } from "./document";
import { factsOf } from "./facts";
import { descendants, kindCounts, kindOf, type TreeNode } from "./tree";

const KIND_WIDTH = 18;
const NAME_WIDTH = 24;
/** Keeps the words of one fact on one line; {@link clip} makes it a space again. */
const NO_BREAK = "\u00a0";
/** More resources of one kind in one place than this are counted rather than listed. */
const LISTED = 6;

/**
 * The tree in short: for each component of the stack the resources that have something particular
 * to say, and the others counted by kind. Components of one kind stand together.
 */
export function shortTree(stack: TreeNode, paint: Paint): string[] {
  const components = stack.children.filter(({ children }) => children.length > 0);
  const own = stack.children.filter(({ children }) => children.length === 0);
  return [
    ...byKind(components).flatMap((group) => section(group, paint)),
    ...contents(own, "", paint),
  ];
}

function section(group: readonly TreeNode[], paint: Paint): string[] {
  const inside = group.flatMap(descendants);
  const [{ resource }] = group as [TreeNode];
  const kind = kindOf(resource.type);
  const title = group.length > 1 ? `${kind} ×${group.length}` : resource.name;
  const count = inside.length + group.length;
  const about = `${group.length > 1 ? "" : `${kind}, `}${count} resources`;
  return [`${paint("bold", title)} ${paint("dim", about)}`, ...contents(inside, "  ", paint)];
}

function contents(nodes: readonly TreeNode[], indent: string, paint: Paint): string[] {
  const lines: string[] = [];
  const rest: PlannedResource[] = [];
  for (const group of byKind(nodes)) {
    const resources = group.map(({ resource }) => resource);
    const particular = resources.filter((resource) => factsOf(resource) !== undefined);
    const listed = particular.length <= LISTED ? particular : [];
    lines.push(...listed.flatMap((resource) => row(resource, indent)));
    const leaves = group.filter(({ children }) => children.length === 0);
    rest.push(...leaves.map((n) => n.resource).filter((resource) => !listed.includes(resource)));
  }
  return [...lines, ...counted(rest, indent, paint)];
}

/** The whole tree, each resource on a line. */
export function fullTree(node: TreeNode, paint: Paint, indent = ""): string[] {
  return node.children.flatMap((child) => {
    const { name, type } = child.resource;
    const lines =
      child.children.length > 0
        ? [`${indent}${paint("bold", name)} ${paint("dim", kindOf(type))}`]
        : row(child.resource, indent);
    return [...lines, ...fullTree(child, paint, `${indent}  `)];
  });
}

function row(resource: PlannedResource, indent: string): string[] {
  const kind = kindOf(resource.type);
  const start = `${indent}${`${kind} `.padEnd(KIND_WIDTH)}${`${resource.name} `.padEnd(NAME_WIDTH)}`;
  const hanging = " ".repeat(indent.length + KIND_WIDTH + NAME_WIDTH);
  const facts = (factsOf(resource) ?? "").replace(/(?<!,) /g, NO_BREAK);
  const [first = "", ...more] = wrap(facts, WIDTH - hanging.length).map((line) =>
    clip(line, WIDTH - hanging.length),
  );
  return start.length + first.length > WIDTH
    ? [start.trimEnd(), ...[first, ...more].map((line) => hanging + line)]
    : [`${start}${first}`.trimEnd(), ...more.map((line) => hanging + line)];
}

function counted(rest: readonly PlannedResource[], indent: string, paint: Paint): string[] {
  if (rest.length === 0) return [];
  const more = rest.length > 1 ? ` ${rest.length} more` : "";
  const line = clip(`and${more}: ${kindCounts(rest).join(", ")}`, WIDTH - indent.length);
  return [paint("dim", indent + line)];
}

function byKind(nodes: readonly TreeNode[]): TreeNode[][] {
  const groups = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    const { type } = node.resource;
    groups.set(type, [...(groups.get(type) ?? []), node]);
  }
  return [...groups.values()];
}
