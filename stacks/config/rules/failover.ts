import type { Problem } from "../errors";
import { CONTROLLER_TAG } from "../failover";
import type { FleetConfig } from "../schema";
import { appImageProblems } from "./images";

/** Rules about fail-over: its times among one another, and where its image comes from. */
export function failoverProblems({ failover }: FleetConfig): Problem[] {
  return [
    ...timeProblems(failover),
    ...appImageProblems("failover.controller", failover.controller, CONTROLLER_TAG),
  ];
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
