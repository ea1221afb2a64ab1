import type { Problem } from "../errors";
import { CONTROLLER_TAG } from "../failover";
import type { FleetConfig } from "../schema";
import { isWithTag } from "./images";

/** Rules about fail-over: its times among one another, and where its image comes from. */
export function failoverProblems({ failover }: FleetConfig): Problem[] {
  return [...timeProblems(failover), ...imageProblems(failover.controller)];
}

function timeProblems(failover: FleetConfig["failover"]): Problem[] {
  const { probeMinutes, recoverSeconds, dwellSeconds, confirmSeconds } = failover;
  const problems: Problem[] = [];
  if (probeMinutes > 0 && probeMinutes * 60 <= recoverSeconds)
    problems.push({
      key: "failover.probeMinutes",
      value: probeMinutes,
      allowed:
        `0, or more than ${recoverSeconds / 60} minutes, which is recoverSeconds ` +
        `(${recoverSeconds}): a probe's machine has to be there until traffic is back. Change ` +
        "failover.probeMinutes or failover.recoverSeconds",
      reads: ["failover.recoverSeconds"],
    });
  if (dwellSeconds < confirmSeconds)
    problems.push({
      key: "failover.dwellSeconds",
      value: dwellSeconds,
      allowed: `at least confirmSeconds, which is ${confirmSeconds}: traffic must not move back faster than it moves away`,
      reads: ["failover.confirmSeconds"],
    });
  return problems;
}

function imageProblems(controller: FleetConfig["failover"]["controller"]): Problem[] {
  const problems: Problem[] = [];
  const { source, repository, tag, digest } = controller;
  const local = "nothing with `source: local`, which builds the image and pushes it";
  if (source === "local" && repository !== undefined)
    problems.push({
      key: "failover.controller.repository",
      value: repository,
      allowed: `${local} to the program's own repository`,
      reads: ["failover.controller.source"],
    });
  if (source === "local" && tag !== CONTROLLER_TAG)
    problems.push({
      key: "failover.controller.tag",
      value: tag,
      allowed: `${local} by the digest that it gets`,
      reads: ["failover.controller.source"],
    });
  if (source === "local" && digest !== undefined)
    problems.push({
      key: "failover.controller.digest",
      value: digest,
      allowed: `${local} by the digest that it gets`,
      reads: ["failover.controller.source"],
    });
  if (repository !== undefined && isWithTag(repository))
    problems.push({
      key: "failover.controller.repository",
      value: repository,
      allowed: "a repository without tag or digest; those have keys of their own",
    });
  return problems;
}
