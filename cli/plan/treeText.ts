import { clip, type Paint, WIDTH, wrap } from "../terminal";
import type { PlannedResource } from "./document";
import { factsOf } from "./facts";
import { descendants, kindCounts, kindOf, type TreeNode } from "./tree";

const KIND_WIDTH = 20;
const NAME_WIDTH = 24;
/** More siblings of one kind than this are counted rather than listed. */
const LISTED = 6;

/** The tree in short: components with what is particular in them; the rest counted by kind. */
export function shortTree(stack: TreeNode, paint: Paint): string[] {
  return [
    ...(stack.children.filter(({ count }) => count > 0).length > 0
      ? section(stack, "", paint)
      : []),
  ];
}

function section(node: TreeNode, indent: string, paint: Paint): string[] {
  const lines: string[] = [];
  const rest: PlannedResource[] = [];
  for (const group of byKind(node.children)) {
    const [first] = group as [TreeNode];
    const parts = group.filter(({ children }) => children.length > 0);
    if (parts.length > 1 && parts.length === group.length)
      lines.push(...alike(group, indent, paint));
    else
      for (const child of group) {
        if (child.children.length > 0) lines.push(...component(child, indent, paint));
        else if (group.length > LISTED || factsOf(first.resource) === undefined)
          rest.push(child.resource);
        else lines.push(leaf(child.resource, indent));
      }
  }
  return [...lines, ...counted(rest, indent, paint)];
}

/** A component: a line when there is nothing particular in it, a section otherwise. */
function component(node: TreeNode, indent: string, paint: Paint): string[] {
  const inside = descendants(node);
  const { name, type } = node.resource;
  if (inside.every(({ resource }) => factsOf(resource) === undefined))
    return [row(indent, kindOf(type), name, kindCounts(inside.map((n) => n.resource)).join(", "))];
  return [
    `${indent}${paint("bold", name)} ${paint("dim", `${kindOf(type)}, ${node.count} resources`)}`,
    ...section(node, `${indent}  `, paint),
  ];
}

/** Components of one kind: what is particular in each, side by side by kind. */
function alike(group: readonly TreeNode[], indent: string, paint: Paint): string[] {
  const inside = group.flatMap(descendants);
  const particular = byKind(inside).filter(([first]) => first && factsOf(first.resource));
  const rest = inside.filter(({ resource }) => factsOf(resource) === undefined);
  const [{ resource }] = group as [TreeNode];
  const count = inside.length + group.length;
  if (particular.length === 0)
    return [
      row(
        indent,
        `${kindOf(resource.type)} ×${group.length}`,
        `${count} resources`,
        group.map(({ resource: { name } }) => name).join(", "),
      ),
    ];
  return [
    `${indent}${paint("bold", `${kindOf(resource.type)} ×${group.length}`)} ${paint("dim", `${count} resources`)}`,
    ...particular.flatMap((nodes) => nodes.map((node) => leaf(node.resource, `${indent}  `))),
    ...counted(
      rest.map((node) => node.resource),
      `${indent}  `,
      paint,
    ),
  ];
}

/** The whole tree, a line for each resource. */
export function fullTree(node: TreeNode, paint: Paint, indent = ""): string[] {
  return node.children.flatMap((child) => [
    child.children.length > 0
      ? `${indent}${paint("bold", child.resource.name)} ${paint("dim", kindOf(child.resource.type))}`
      : leaf(child.resource, indent),
    ...fullTree(child, paint, `${indent}  `),
  ]);
}

function leaf(resource: PlannedResource, indent: string): string {
  return row(indent, kindOf(resource.type), resource.name, factsOf(resource) ?? "");
}

function row(indent: string, kind: string, name: string, facts: string): string {
  const start = `${indent}${kind.padEnd(KIND_WIDTH)} ${name.padEnd(NAME_WIDTH)} `;
  return clip2(start, facts);
}

function clip2(start: string, facts: string): string {
  return `${start}${clip(facts, WIDTH - start.length)}`.trimEnd();
}

function counted(rest: readonly PlannedResource[], indent: string, paint: Paint): string[] {
  if (rest.length === 0) return [];
  return wrap(`and ${kindCounts(rest).join(", ")}`, WIDTH - indent.length - 2, "  ").map((line) =>
    paint("dim", `${indent}${line}`),
  );
}

function byKind(nodes: readonly TreeNode[]): TreeNode[][] {
  const groups = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    const { type } = node.resource;
    groups.set(type, [...(groups.get(type) ?? []), node]);
  }
  return [...groups.values()];
}
