import { needsCluster, servesRealtime } from "../../servingPaths";
import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";

/** Rules about the serving paths together. */
export function pathProblems(config: FleetConfig): Problem[] {
  const { async: path, sagemaker, failover, units } = config;
  const problems: Problem[] = [];
  if (!servesRealtime(config) && !path.enabled && !sagemaker.enabled)
    problems.push({
      key: "units",
      value: units,
      allowed: "one unit at least, unless `async` or `sagemaker` is on",
      reads: ["async.enabled", "sagemaker.enabled"],
    });
  if (failover.enabled && !servesRealtime(config))
    problems.push({
      key: "failover.enabled",
      value: true,
      allowed: "false without `units`: there is no traffic to move",
      reads: ["units"],
    });
  if (config.cluster.existing !== undefined && !needsCluster(config))
    problems.push({
      key: "cluster.existing",
      value: config.cluster.existing,
      allowed: "nothing without `units` and `async.runtimes`: nothing runs on a cluster",
      reads: ["units", "async"],
    });
  return problems;
}
