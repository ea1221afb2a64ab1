/**
 * Messages as Karpenter 1.14.1 makes them: karpenter-provider-aws, pkg/providers/instance
 * (`combineFleetErrors`, `launchInstance`, whose `serrors.Wrap` adds the part in brackets), and
 * karpenter, pkg/controllers/nodeclaim/lifecycle (`InsufficientCapacityErrorEvent`).
 */

/** EC2's own words for an error of CreateFleet, `CODE: MESSAGE`. */
export const fleetErrors = {
  soldOut:
    "InsufficientInstanceCapacity: We currently do not have sufficient inf2.xlarge capacity in the Availability Zone you requested (us-west-2a). Our system will be working on provisioning additional capacity. You can currently get inf2.xlarge capacity by not specifying an Availability Zone in your request or choosing us-west-2b, us-west-2c.",
  unfulfillable:
    "UnfulfillableCapacity: Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.",
  reservation:
    "ReservationCapacityExceeded: The requested reservation is fully utilized: cr-0a1b2c3d4e5f60718",
  vcpus:
    "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
  spotCount: "MaxSpotInstanceCountExceeded: Max spot instance count exceeded",
  fleets: "MaxFleetCountExceeded: You've reached the limit of your fleets.",
  subnet:
    "InsufficientFreeAddressesInSubnet: There are not enough free addresses in subnet 'subnet-0aa1' to satisfy the requested number of instances.",
  unsupported:
    "Unsupported: Your requested instance type (inf2.xlarge) is not supported in your requested Availability Zone (us-west-2d). Please retry your request by not specifying an Availability Zone or choosing us-west-2a, us-west-2b.",
  spotRole:
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
} as const;

/** The event's message when CreateFleet has given no instance but these errors. */
export function fleetMessage(nodeClaim: string, ...errors: readonly string[]): string {
  const what = `creating instance, insufficient capacity, with fleet error(s), ${errors.join("; ")}`;
  return eventMessage(
    nodeClaim,
    `${what} (aws-error-code=UnfulfillableCapacity, aws-operation-name=CreateFleet, aws-request-id=4c6f0d1e-6f4c-4a3e-9d0b-6f6f0b3f8a55, aws-service-name=EC2, aws-status-code=200)`,
  );
}

/** The event's message about an error, which is cut like Karpenter cuts it. */
export function eventMessage(nodeClaim: string, error: string): string {
  const cut = error.length < 300 ? error : `${error.slice(0, 300)}...`;
  return `NodeClaim ${nodeClaim} event: ${cut}`;
}
