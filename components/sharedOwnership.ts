import { FAILOVER_CONTROLLER, TRAFFIC_OWNER_ANNOTATION } from "../contracts/failover";

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
      [TRAFFIC_OWNER_ANNOTATION]: failover ? FAILOVER_CONTROLLER : "pulumi",
    },
    options: failover ? { ignoreChanges: [field] } : {},
  };
}
