import type { KubernetesObject } from "./controlPlane/client";
import type { ControlPlane } from "./controlPlane/controlPlane";
import { hasSchema } from "./controlPlane/crds";
import { nameOf } from "./plannedObjects";

/**
 * Applies the objects whose kinds are known.
 *
 * @returns the warnings, each with the object's name
 * @throws Refusal of the first one that is refused
 */
export async function warningsOf(
  server: ControlPlane,
  objects: readonly KubernetesObject[],
): Promise<readonly string[]> {
  const known = objects.filter(hasSchema);
  const accepted = await server.apply(known);
  return accepted.flatMap(({ warnings }, index) =>
    warnings.map((warning) => `${nameOf(known[index]!)}: ${warning}`),
  );
}
