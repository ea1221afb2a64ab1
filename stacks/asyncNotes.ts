import { LONGEST_REQUEST_SECONDS } from "../contracts/tasks/settings";
import { isNamed } from "./artefacts";
import type { FleetConfig } from "./config/schema";
import { servesQueues } from "./servingPaths";

/** What to look at twice where the asynchronous path is on. */
export function asyncWarnings(config: FleetConfig): readonly string[] {
  const { async: path } = config;
  if (!path.enabled) return [];
  return [
    ...imageWarnings(path),
    ...artefactWarnings(config),
    ...accessWarnings(config),
    ...metricWarnings(config),
    ...managedWarnings(path),
  ];
}

function imageWarnings(path: FleetConfig["async"]): readonly string[] {
  const { agent, runtimes } = path;
  const byTag = Object.entries(runtimes).filter(
    ([, { image }]) => image !== undefined && image.digest === undefined,
  );
  return [
    ...(servesQueues({ async: path }) && agent.source === "external" && agent.digest === undefined
      ? [
          `images: the queue agent is pinned by the tag ${agent.tag}, not by digest ` +
            "(async.agent.digest). Push it first, else tasks wait and machines stand idle.",
        ]
      : []),
    ...(byTag.length > 0
      ? [
          `images: ${byTag.map(([name]) => name).join(", ")} ${byTag.length === 1 ? "is" : "are"} ` +
            "pinned by tag, not by digest (async.runtimes.NAME.image.digest).",
        ]
      : []),
  ];
}

/** SageMaker has limits of its own. */
function managedWarnings({ managedRuntimes, backlogHours, cache }: FleetConfig["async"]) {
  const names = Object.keys(managedRuntimes).join(", ");
  const longestHours = LONGEST_REQUEST_SECONDS / 3600;
  return [
    ...(names !== "" && backlogHours > longestHours
      ? [
          `${names}: SageMaker keeps a request that waits for ${longestHours} hours at most, whatever ` +
            `async.backlogHours says (${backlogHours}).`,
        ]
      : []),
    ...(names === "" && cache.enabled
      ? [
          "async: the cache of results is for managed runtimes only, and there are none (async.cache.enabled).",
        ]
      : []),
  ];
}

/** Artefacts of realtime units are warned of there. */
function artefactWarnings({ async: path, models, units }: FleetConfig): readonly string[] {
  return Object.entries(path.runtimes).flatMap(([name, { model, framework }]) => {
    if (model === undefined || isNamed(models[model]!, framework)) return [];
    if (Object.values(units).some((it) => it.model === model && it.framework === framework))
      return [];
    return [
      `${name}: no artefact hash for ${framework} (models.${model}.artefacts): pods load whatever ` +
        "lies under its prefix.",
    ];
  });
}

function accessWarnings({ async: path, cluster }: FleetConfig): readonly string[] {
  const { subscribers, results, api } = path;
  return [
    ...(api.createLogRole
      ? []
      : [
          "async: API Gateway logs by a role that an account has once in a region. Where it has " +
            "none, `pulumi up` stops at the API's stage: set async.api.createLogRole.",
        ]),
    ...(cluster.existing?.installed.includes("keda")
      ? [
          "keda: it is the cluster's own, so its owner has to let its operator call " +
            "sqs:GetQueueAttributes on the runtimes' queues, else no runtime starts.",
        ]
      : []),
    ...(subscribers.queueArns.length > 0
      ? [
          "async: the queues of async.subscribers.queueArns get nothing until their policies let " +
            "the result topic send to them.",
        ]
      : []),
    ...(results.existingBucket === undefined
      ? []
      : [
          "async: results are never deleted from async.results.existingBucket by this program " +
            "(async.results.days).",
        ]),
  ];
}

/** The agents write their metrics into their logs. */
function metricWarnings(config: FleetConfig): readonly string[] {
  const { cluster } = config;
  if (!servesQueues(config)) return [];
  const missing = "CloudWatch has no metrics of the agents' (docs/operations/tasks.md)";
  if (cluster.existing !== undefined)
    return [`async: ${missing} unless your cluster's Fluent Bit lifts them from their logs.`];
  return cluster.addons.cloudwatchObservability === undefined
    ? [`async: ${missing} without cluster.addons.cloudwatchObservability.`]
    : [];
}
