import { FAILOVER_CONTROLLER, TRAFFIC_OWNER_ANNOTATION } from "../../../contracts/failover";
import { annotation } from "./field";

/** Whether the controller is the one to write an object's rules or triggers. */
export function isOurs(raw: unknown): boolean {
  const owner = annotation(raw, TRAFFIC_OWNER_ANNOTATION);
  return owner === undefined || owner === FAILOVER_CONTROLLER;
}
