import type { ShortageCause } from "../../../contracts/failover";

/**
 * What the error codes of EC2's CreateFleet mean, as Karpenter 1.14's `InsufficientCapacityError`
 * carries them: all of `unfulfillableCapacityErrorCodes` (karpenter-provider-aws, pkg/errors) and
 * the missing service-linked role of spot. The first of these that a message has is its cause, so
 * that EC2 having nothing counts, whatever else stands beside it.
 */
const codes: readonly (readonly [code: string, cause: ShortageCause])[] = [
  ["InsufficientInstanceCapacity", "capacity"],
  ["ReservationCapacityExceeded", "capacity"],
  ["VcpuLimitExceeded", "quota"],
  ["MaxSpotInstanceCountExceeded", "quota"],
  ["MaxFleetCountExceeded", "quota"],
  ["InsufficientFreeAddressesInSubnet", "subnet"],
  ["AuthFailure.ServiceLinkedRoleCreationNotPermitted", "permission"],
  ["Unsupported", "unsupported"],
  // The least that EC2 says: what stands beside it says more.
  ["UnfulfillableCapacity", "capacity"],
];

/** Karpenter's own words, where there is no fleet error. */
const missingNodeClass = "insufficient capacity, resolving nodeclass,";

/**
 * The cause that an `InsufficientCapacityError` event states.
 *
 * Each fleet error stands there as `CODE: MESSAGE`. Behind them all, whatever they are, Karpenter
 * writes `(aws-error-code=UnfulfillableCapacity, …)`, which says nothing.
 *
 * @param message of the event, which Karpenter cuts at 300 characters
 * @returns `unknown` when it names none: the offering is still hidden because of an earlier error
 */
export function causeOf(message: string): ShortageCause {
  if (message.includes(missingNodeClass)) return "node-class";
  return codes.find(([code]) => message.includes(`${code}: `))?.[1] ?? "unknown";
}
