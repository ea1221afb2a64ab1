import { FAILOVER_CONTROLLER } from "../../../contracts/failover";
import { serverSettingNames } from "../../../contracts/serverSettings";
import { AGENT_PORT } from "../../../contracts/tasks/settings";
import { accelerators } from "../../../fleet/accelerators";
import { agentMemoryPart, agentResources } from "../../../fleet/agentResources";
import { podResources } from "../../../fleet/podResources";
import { longestRetentionSeconds, wantedRetentionSeconds } from "../../../fleet/queueing";
import { requestSeconds } from "../../taskTimes";
import {
  AGENT_TAG,
  type AsyncConfig,
  type ManagedRuntimeConfig,
  type RuntimeConfig,
} from "../async";
import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";
import { appImageProblems, isWithTag } from "./images";
import { boundProblems, machineProblems, settingProblems, unknown } from "./machines";

/** Rules about the asynchronous path. */
export function asyncProblems(config: FleetConfig, region: string): Problem[] {
  const { async: path } = config;
  return [
    ...(path.enabled &&
    Object.keys(path.runtimes).length + Object.keys(path.managedRuntimes).length === 0
      ? [
          {
            key: "async.runtimes",
            value: {},
            allowed: "one runtime at least here or in async.managedRuntimes, since the path is on",
            reads: ["async.enabled", "async.managedRuntimes"],
          },
        ]
      : []),
    ...Object.entries(path.runtimes).flatMap(([name, runtime]) =>
      runtimeProblems(config, name, runtime, region),
    ),
    ...Object.entries(path.managedRuntimes).flatMap(([name, runtime]) =>
      managedRuntimeProblems(config, name, runtime),
    ),
    ...(path.cache.enabled && path.cache.days > path.results.days
      ? [
          {
            key: "async.cache.days",
            value: path.cache.days,
            allowed: `at most results.days, which is ${path.results.days}: afterwards there are no results to give`,
            reads: ["async.results.days"],
          },
        ]
      : []),
    ...(path.results.kmsKeyArn !== undefined && path.results.existingBucket === undefined
      ? [
          {
            key: "async.results.kmsKeyArn",
            value: path.results.kmsKeyArn,
            allowed: "nothing without `existingBucket`: the program's own bucket has S3's key",
            reads: ["async.results.existingBucket"],
          },
        ]
      : []),
    ...(path.enabled &&
    path.api.endpoint === "private" &&
    path.api.vpcEndpointIds.length === 0 &&
    config.network.existing !== undefined
      ? [
          {
            key: "async.api.vpcEndpointIds",
            value: path.api.vpcEndpointIds,
            allowed: "an endpoint of execute-api in `network.existing`, in which nothing is made",
            reads: ["async.api.endpoint", "network.existing"],
          },
        ]
      : []),
    ...apiProblems(path, region),
    ...appImageProblems("async.agent", path.agent, AGENT_TAG),
  ];
}

function runtimeProblems(
  config: FleetConfig,
  name: string,
  runtime: RuntimeConfig,
  region: string,
): Problem[] {
  const key = `async.runtimes.${name}`;
  const machines = machineProblems(config, key, runtime, region);
  return [
    ...nameProblems(config, name),
    ...modelProblems(config, key, runtime),
    ...adapterProblems(key, runtime),
    ...machines,
    ...boundProblems(key, "replicas", runtime.replicas),
    ...scheduleProblems(key, runtime),
    ...settingProblems(key, runtime.env, ownSettings(runtime)),
    ...backlogProblems(config.async, key, runtime),
    ...(machines.length === 0 ? memoryProblems(config.async, key, runtime) : []),
  ];
}

/** A runtime that is an asynchronous endpoint. */
function managedRuntimeProblems(
  { async: path, sagemaker }: FleetConfig,
  name: string,
  { endpoint, maxAttempts, longestTaskSeconds }: ManagedRuntimeConfig,
): Problem[] {
  const key = `async.managedRuntimes.${name}`;
  const attemptSeconds = requestSeconds(path) + longestTaskSeconds;
  const wantedDays = Math.ceil((maxAttempts * attemptSeconds) / (24 * 3600)) + 1;
  const days = sagemaker.asyncEndpoints[endpoint]?.days;
  const known = Object.keys(sagemaker.asyncEndpoints);
  return [
    ...(path.runtimes[name] === undefined
      ? []
      : [
          {
            key,
            value: name,
            allowed: "a name that no runtime on the cluster has: tasks name it",
            reads: [`async.runtimes.${name}`],
          },
        ]),
    ...(known.includes(endpoint)
      ? []
      : [unknown(`${key}.endpoint`, endpoint, "an endpoint of `sagemaker.asyncEndpoints`", known)]),
    ...(days !== undefined && days < wantedDays
      ? [
          {
            key: `sagemaker.asyncEndpoints.${endpoint}.days`,
            value: days,
            allowed: `${wantedDays} at least, so that requests are there for all of ${name}'s attempts`,
            reads: [key, "async.backlogHours"],
          },
        ]
      : []),
    ...(path.enabled && !sagemaker.enabled
      ? [
          {
            key: "sagemaker.enabled",
            value: false,
            allowed: `true, since ${key} is one of its endpoints`,
            reads: ["async.managedRuntimes"],
          },
        ]
      : []),
  ];
}

/** Names of runtimes are those of Deployments, service accounts, node pools and queues. */
function nameProblems(config: FleetConfig, name: string): Problem[] {
  const key = `async.runtimes.${name}`;
  const wrong = (allowed: string, reads?: readonly string[]): Problem[] => [
    { key, value: name, allowed, ...(reads === undefined ? {} : { reads }) },
  ];
  if (config.units[name] !== undefined)
    return wrong("a name that no unit has: both name a Deployment", [`units.${name}`]);
  if (config.models[name] !== undefined)
    return wrong("a name that no model has: metrics and logs tell them apart by it", [
      `models.${name}`,
    ]);
  if (name === FAILOVER_CONTROLLER) return wrong("another name: it is the fail-over controller's");
  if (name === "default")
    return wrong("another name: every namespace has a service account of that name");
  if (/^compile-/.test(name))
    return wrong("a name that does not begin with compile-, as those of what compiles do");
  if (/-(headroom|probe)$/.test(name))
    return wrong("a name that does not end in -headroom or -probe, as the placeholders' do");
  if (/-dead-letters$/.test(name))
    return wrong("a name that does not end in -dead-letters, as the other queues do");
  return [];
}

function modelProblems(config: FleetConfig, key: string, runtime: RuntimeConfig): Problem[] {
  const known = Object.keys(config.models);
  if (runtime.model !== undefined && config.models[runtime.model] === undefined)
    return [unknown(`${key}.model`, runtime.model, "a model of `models`", known)];
  if (runtime.model === undefined && runtime.adapter === "fleet")
    return [
      {
        key: `${key}.model`,
        value: undefined,
        allowed: `a model of \`models\`, which the adapter fleet serves: ${known.join(", ")}`,
        reads: [`${key}.adapter`],
      },
    ];
  return [];
}

/** What goes with one kind of runtime only. */
function adapterProblems(key: string, runtime: RuntimeConfig): Problem[] {
  const problems: Problem[] = [];
  const { adapter, image, port, dynamicModel } = runtime;
  const reads = [`${key}.adapter`];
  if (adapter === "fleet" && image !== undefined)
    problems.push({
      key: `${key}.image`,
      value: image,
      allowed: "nothing with the adapter fleet, which has the server's image (images.server)",
      reads,
    });
  if (adapter !== "fleet" && image === undefined)
    problems.push({
      key: `${key}.image`,
      value: undefined,
      allowed: `an image with tag or digest, since the program has none for ${adapter}`,
      reads,
    });
  if (image !== undefined && image.tag === undefined && image.digest === undefined)
    problems.push({
      key: `${key}.image.tag`,
      value: undefined,
      allowed: "a tag, unless `digest` is given",
      reads: [`${key}.image.digest`],
    });
  if (image !== undefined && isWithTag(image.repository))
    problems.push({
      key: `${key}.image.repository`,
      value: image.repository,
      allowed: "a repository without tag or digest; those have keys of their own",
    });
  if (port === AGENT_PORT)
    problems.push({
      key: `${key}.port`,
      value: port,
      allowed: `another port than ${AGENT_PORT}, which is the agent's`,
    });
  if (dynamicModel && adapter !== "webui")
    problems.push({
      key: `${key}.dynamicModel`,
      value: dynamicModel,
      allowed: "false, but for the adapter webui: the others have the model that they started with",
      reads,
    });
  return problems;
}

function scheduleProblems(key: string, { replicas, scaling }: RuntimeConfig): Problem[] {
  return scaling.schedules.flatMap((schedule, index) => {
    const place = `${key}.scaling.schedules[${index}]`;
    const problems: Problem[] = [];
    if (schedule.replicas > replicas.max)
      problems.push({
        key: `${place}.replicas`,
        value: schedule.replicas,
        allowed: `at most replicas.max, which is ${replicas.max}`,
        reads: [`${key}.replicas.max`],
      });
    if (schedule.start === schedule.end)
      problems.push({
        key: `${place}.end`,
        value: schedule.end,
        allowed: "another time than `start`",
        reads: [`${place}.start`],
      });
    return problems;
  });
}

/** Variables that the program sets in a runtime's container. */
function ownSettings({ adapter, model }: RuntimeConfig): readonly string[] {
  if (adapter === "fleet") return serverSettingNames;
  return model === undefined ? [] : ["MODEL_PATH"];
}

/** SQS forgets messages after 14 days, and a task may want all of its attempts after its wait. */
function backlogProblems(path: AsyncConfig, key: string, runtime: RuntimeConfig): Problem[] {
  const { backlogHours } = path;
  const wanted = wantedRetentionSeconds({ ...runtime, backlogHours });
  const over = wanted - longestRetentionSeconds;
  if (over <= 0) return [];
  const most = Math.floor(backlogHours - over / 3600);
  return [
    {
      key: "async.backlogHours",
      value: backlogHours,
      allowed:
        `at most ${most}, since SQS keeps a message for 14 days and ${key} may want ` +
        `${Math.ceil((wanted - backlogHours * 3600) / 3600)} hours for its attempts`,
      reads: [`${key}.longestTaskSeconds`, `${key}.maxAttempts`],
    },
  ];
}

/** An agent holds inputs in memory, which its runtime has to do without. */
function memoryProblems({ inputs }: AsyncConfig, key: string, runtime: RuntimeConfig): Problem[] {
  const { defaultInstanceType } = accelerators[runtime.accelerator]!;
  const pod = podResources(runtime.instanceTypes ?? [defaultInstanceType], runtime.devices);
  const most = pod.memoryMiB * agentMemoryPart;
  if (agentResources(inputs.maxMiB).memoryMiB <= most) return [];
  let fitting = inputs.maxMiB;
  while (fitting > 1 && agentResources(fitting).memoryMiB > most) fitting -= 1;
  return [
    {
      key: "async.inputs.maxMiB",
      value: inputs.maxMiB,
      allowed: `at most ${fitting}: beyond it the agent takes a quarter of the memory of ${key}'s pods`,
      reads: [`${key}.instanceTypes`, `${key}.accelerator`, `${key}.devices`],
    },
  ];
}

/** Rules about who can reach the API. */
function apiProblems({ api, inputs, enabled }: AsyncConfig, region: string): Problem[] {
  const problems: Problem[] = [];
  const { endpoint, authentication, allowedCidrs, webAclArn, vpcEndpointIds } = api;
  const open =
    allowedCidrs.length === 0 || allowedCidrs.some((block) => Number(block.split("/")[1]) < 8);
  if (enabled && endpoint === "regional" && authentication === "key" && open && !webAclArn)
    problems.push({
      key: "async.api.allowedCidrs",
      value: allowedCidrs,
      allowed:
        "CIDR blocks of /8 or smaller, or a `webAclArn`: a regional endpoint is on the internet, and a key is no identity",
      reads: ["async.api.endpoint", "async.api.authentication", "async.api.webAclArn"],
    });
  if (endpoint === "private" && allowedCidrs.length > 0)
    problems.push({
      key: "async.api.allowedCidrs",
      value: allowedCidrs,
      allowed: "nothing with `endpoint: private`, which is reached through VPC endpoints",
      reads: ["async.api.endpoint"],
    });
  if (endpoint === "regional" && vpcEndpointIds.length > 0)
    problems.push({
      key: "async.api.vpcEndpointIds",
      value: vpcEndpointIds,
      allowed: "nothing with `endpoint: regional`",
      reads: ["async.api.endpoint"],
    });
  if (webAclArn !== undefined && !webAclArn.includes(`:wafv2:${region}:`))
    problems.push({
      key: "async.api.webAclArn",
      value: webAclArn,
      allowed: `a REGIONAL WAFv2 web ACL in the stack's region, ${region}`,
    });
  if (api.maxUploadMiB > inputs.maxMiB)
    problems.push({
      key: "async.api.maxUploadMiB",
      value: api.maxUploadMiB,
      allowed: `at most inputs.maxMiB, which is ${inputs.maxMiB}: agents take no larger input`,
      reads: ["async.inputs.maxMiB"],
    });
  return problems;
}
