import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** A third-party Helm chart, pinned. */
export interface Chart {
  /** The chart's name, which is its release's too. */
  readonly name: string;
  readonly version: string;
  /** Helm repository (`https://…`) or OCI registry without the chart's name (`oci://…`). */
  readonly repository: string;
}

export interface ReleaseArgs {
  readonly chart: Chart;
  readonly namespace: pulumi.Input<string>;
  /** Values over the chart's own. */
  readonly values: Readonly<Record<string, unknown>>;
  /**
   * How long Helm waits for the release to be ready until it takes it back. Default: 300, enough to
   * pull the images and elect a leader.
   */
  readonly timeoutSeconds?: number;
  /** The chart's `crds/` are installed elsewhere, where upgrades reach them. Default: false. */
  readonly crdsElsewhere?: boolean;
}

/**
 * A Helm release that succeeds whole or leaves nothing behind.
 *
 * Its name is fixed: other objects refer to the Services and ServiceAccounts in it by name. For a
 * chart in an OCI registry, Pulumi wants the whole reference as `chart` and no `repositoryOpts`.
 */
export function release(
  name: string,
  args: ReleaseArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.helm.v3.Release {
  const { chart } = args;
  return new kubernetes.helm.v3.Release(
    name,
    {
      name: chart.name,
      ...sourceOf(chart),
      version: chart.version,
      namespace: args.namespace,
      values: args.values,
      skipCrds: args.crdsElsewhere ?? false,
      atomic: true,
      cleanupOnFail: true,
      timeout: args.timeoutSeconds ?? 300,
    },
    opts,
  );
}

function sourceOf({ name, repository }: Chart) {
  return repository.startsWith("oci://")
    ? { chart: `${repository}/${name}` }
    : { chart: name, repositoryOpts: { repo: repository } };
}
