import { FAILOVER_CONTROLLER } from "../contracts/failover";

/** Who writes what two may write; its change is what makes Pulumi write the object again. */
const OWNER_ANNOTATION = "diffusion-fleet.io/traffic-owner";

/**
 * How an object is written of which one field is the fail-over controller's while fail-over is on.
 *
 * Pulumi then leaves that field alone. When fail-over is turned off, Pulumi takes it back: by force,
 * since the controller's field manager still owns it, and at once, since the annotation changes even
 * where the field's value in the program does not.
 *
 * @param field as Pulumi writes paths, e.g. `spec.rules`
 */
export function sharedOwnership(field: string, failover: boolean) {
  return {
    annotations: {
      "pulumi.com/patchForce": "true",
      [OWNER_ANNOTATION]: failover ? FAILOVER_CONTROLLER : "pulumi",
    },
    options: failover ? { ignoreChanges: [field] } : {},
  };
}
