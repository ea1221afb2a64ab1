import type { PlannedResource } from "./document";

/** A resource with what is in it. */
export interface TreeNode {
  readonly resource: PlannedResource;
  readonly children: readonly TreeNode[];
  /** How many resources are in it, itself not among them. */
  readonly count: number;
}

/** The resources by parent, roots first; in both, the plan's order. */
export function treeOf(resources: readonly PlannedResource[]): TreeNode[] {
  const byParent = new Map<string | null, PlannedResource[]>();
  for (const resource of resources) {
    const siblings = byParent.get(resource.parent) ?? [];
    siblings.push(resource);
    byParent.set(resource.parent, siblings);
  }
  const nodes = (parent: string | null): TreeNode[] =>
    (byParent.get(parent) ?? []).map((resource) => {
      const children = nodes(resource.urn);
      const count = children.reduce((sum, child) => sum + 1 + child.count, 0);
      return { resource, children, count };
    });
  return nodes(null);
}

/** Everything in a node, at any depth. */
export function descendants(node: TreeNode): TreeNode[] {
  return node.children.flatMap((child) => [child, ...descendants(child)]);
}

/** A type in few words: `Deployment`, `iam.Role`, `awsx.Vpc`. */
export function kindOf(type: string): string {
  const [pkg = "", module = "", name = ""] = type.split(":");
  switch (pkg) {
    case "aws":
    case "aws-native":
      return `${module.split("/")[0]}.${name}`;
    case "awsx":
    case "eks":
      return `${pkg}.${name}`;
    case "pulumi":
      return module === "providers" ? `Provider ${name}` : name;
    default:
      return name;
  }
}

/** How many of each kind: `iam.Role, ec2.VpcEndpoint ×3`. */
export function kindCounts(resources: readonly PlannedResource[]): string[] {
  const counts = new Map<string, number>();
  for (const { type } of resources) counts.set(kindOf(type), (counts.get(kindOf(type)) ?? 0) + 1);
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`));
}
