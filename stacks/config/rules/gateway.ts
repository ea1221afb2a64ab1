import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";

/** Rules about who can reach the models. */
export function gatewayProblems(
  { gateway, network, scaling }: FleetConfig,
  region: string,
): Problem[] {
  const problems: Problem[] = [];
  const add = (problem: Problem) => problems.push(problem);
  if (gateway.scheme === "internet-facing") {
    if (gateway.certificateArn === undefined)
      add({
        key: "gateway.certificateArn",
        value: undefined,
        allowed: "an ACM certificate, since the scheme is internet-facing",
        reads: ["gateway.scheme"],
      });
    const open =
      gateway.allowedCidrs.length === 0 ||
      gateway.allowedCidrs.some((block) => Number(block.split("/")[1]) < 8);
    if (open && gateway.webAclArn === undefined && gateway.authentication === undefined)
      add({
        key: "gateway.allowedCidrs",
        value: gateway.allowedCidrs,
        allowed:
          "CIDR blocks of /8 or smaller, or a `webAclArn`, or `authentication`, since the scheme is internet-facing",
        reads: ["gateway.scheme", "gateway.webAclArn", "gateway.authentication"],
      });
    if (network.existing !== undefined && network.existing.publicSubnetIds.length < 2)
      add({
        key: "network.existing.publicSubnetIds",
        value: network.existing.publicSubnetIds,
        allowed: "public subnets in two zones at least, since the scheme is internet-facing",
        reads: ["gateway.scheme"],
      });
  }
  if (gateway.authentication !== undefined && gateway.certificateArn === undefined)
    add({
      key: "gateway.certificateArn",
      value: undefined,
      allowed: "an ACM certificate: the load balancer authenticates on HTTPS only",
      reads: ["gateway.authentication"],
    });
  if (scaling.drainSeconds < gateway.idleTimeoutSeconds)
    add({
      key: "scaling.drainSeconds",
      value: scaling.drainSeconds,
      allowed: `at least gateway.idleTimeoutSeconds, which is ${gateway.idleTimeoutSeconds}: a shorter drain cuts requests off`,
      reads: ["gateway.idleTimeoutSeconds"],
    });
  const certificate = gateway.certificateArn;
  if (certificate !== undefined && !certificate.includes(`:acm:${region}:`))
    add({
      key: "gateway.certificateArn",
      value: certificate,
      allowed: `a certificate of ACM in the stack's region, ${region}`,
    });
  const webAcl = gateway.webAclArn;
  if (webAcl !== undefined && !webAcl.includes(`:wafv2:${region}:`))
    add({
      key: "gateway.webAclArn",
      value: webAcl,
      allowed: `a REGIONAL WAFv2 web ACL in the stack's region, ${region}`,
    });
  return problems;
}
