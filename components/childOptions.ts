import type * as pulumi from "@pulumi/pulumi";

/** Options of our components: what they wait for is a plain list. */
export interface ComponentOptions extends Omit<pulumi.ComponentResourceOptions, "dependsOn"> {
  readonly dependsOn?: readonly pulumi.Resource[];
}

/** The options as Pulumi wants them. */
export function pulumiOptions(opts: ComponentOptions | undefined): pulumi.ComponentResourceOptions {
  const { dependsOn = [], ...rest } = opts ?? {};
  return { ...rest, dependsOn: [...dependsOn] };
}

/**
 * Options of a component's child: it waits for what the component waits for, and for `more`.
 *
 * Pulumi creates a component's children after what the component depends on, but writes no such
 * edge down for the child. With the edge, `destroy` runs the other way and the plan can be checked.
 */
export function childOptions(
  parent: pulumi.Resource,
  opts: ComponentOptions | undefined,
  more: readonly pulumi.Resource[] = [],
): pulumi.CustomResourceOptions & { dependsOn: pulumi.Resource[] } {
  return { parent, dependsOn: [...(opts?.dependsOn ?? []), ...more] };
}
