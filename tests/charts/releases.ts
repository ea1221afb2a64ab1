import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { ofType, planOf } from "../program/planned";
import { everythingOn } from "../python/python";

/** A Helm release, and the Kubernetes that it is for. */
export interface PlannedRelease extends PlannedResource {
  readonly kubernetesVersion: string;
}

let planned: Promise<readonly PlannedRelease[]> | undefined;

/** The Helm releases of `dev`, of `prod`, and of a `prod` with everything on; planned once. */
export function plannedReleases(): Promise<readonly PlannedRelease[]> {
  planned ??= (async () => [
    ...releasesOf(await planOf("dev")),
    ...releasesOf(await planOf("prod")),
    ...releasesOf(await planOf("prod", ...everythingOn)),
  ])();
  return planned;
}

function releasesOf(plan: Plan): PlannedRelease[] {
  const [cluster] = ofType(plan, "eks:index:Cluster");
  const kubernetesVersion = `${cluster?.inputs.version}.0`;
  const releases = ofType(plan, "kubernetes:helm.sh/v3:Release");
  return releases.map((release) => ({ ...release, kubernetesVersion }));
}

/** The values that a release has over its chart's own. */
export function valuesOf({ inputs }: PlannedResource): Record<string, unknown> {
  return (inputs.values ?? {}) as Record<string, unknown>;
}
