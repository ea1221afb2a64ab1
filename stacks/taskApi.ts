import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { ExecuteApiEndpoint } from "../components/executeApiEndpoint";
import { GatewayLogRole } from "../components/gatewayLogRole";
import type { Network } from "../components/network";
import type { Scope } from "../components/scope";
import { TaskApi } from "../components/taskApi";
import type { AlarmedApi } from "../components/taskApiAlarms";
import { TaskFunction } from "../components/taskFunction";
import { METRIC_NAMESPACE } from "../contracts/metrics";
import { adapterTypes, type Runtime } from "../contracts/tasks/runtimes";
import { TASK_API, type TaskApiLists } from "../contracts/tasks/settings";
import type { AsyncConfig } from "./config/async";
import type { FleetConfig } from "./config/schema";
import type { ManagedTasks } from "./managedTasks";
import type { TaskPipeline } from "./taskPipeline";
import { longestTimes } from "./taskTimes";

export interface TaskApiStackArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  /** Of whose private subnets a private API's endpoint is made. */
  readonly network: Network | undefined;
  readonly pipeline: TaskPipeline;
  /** Absent: no runtime is managed. */
  readonly managed: ManagedTasks | undefined;
}

/** The API that tasks are submitted to. */
export interface TaskApiFacts {
  /** Without a slash at the end. */
  readonly url: pulumi.Output<string>;
  readonly apiId: pulumi.Output<string>;
  readonly apiKeyId: pulumi.Output<string>;
  readonly usagePlanId: pulumi.Output<string>;
  readonly alarmed: AlarmedApi;
}

/** API Gateway, and the function behind it. */
export function taskApi(args: TaskApiStackArgs, awsProvider: aws.Provider): TaskApiFacts {
  const { scope, config, pipeline, managed } = args;
  const { api } = config.async;
  const opts = { providers: { aws: awsProvider } };
  const { logRetentionDays } = config.observability;
  const { function: target } = new TaskFunction(
    TASK_API,
    {
      scope,
      settings: settingsOf(args),
      lists: listsOf(config.async, managed?.runtimes ?? []),
      stores: {
        tableArn: pipeline.table.arn,
        taskTopicArn: pipeline.taskTopicArn,
        topicKeyArn: pipeline.topicKeyArn,
        resultsBucketArn: pipeline.results.bucketArn,
        resultsKeyArn: config.async.results.kmsKeyArn,
        inputsBucketArn: pipeline.inputs.bucketArn,
        managed: managed?.stores,
      },
      logRetentionDays,
    },
    // A task that it takes before a subscription is there reaches no queue.
    { ...opts, dependsOn: [...pipeline.ready, ...(managed?.ready ?? [])] },
  );
  const logRole = api.createLogRole
    ? new GatewayLogRole("api-gateway-logs", { scope }, opts)
    : undefined;
  const { url, apiId, apiKeyId, usagePlanId, apiName } = new TaskApi(
    TASK_API,
    {
      scope,
      function: target,
      stage: api.stage,
      authentication: api.authentication,
      privateThrough: api.endpoint === "private" ? vpcEndpoints(args, awsProvider) : undefined,
      allowedCidrs: api.allowedCidrs,
      throttle: api.throttle,
      quotaPerDay: api.quotaPerDay,
      webAclArn: api.webAclArn,
      logRetentionDays,
    },
    { ...opts, dependsOn: logRole?.ready ?? [] },
  );
  const alarmed = { apiName, stage: api.stage, functionName: target.name };
  return { url, apiId, apiKeyId, usagePlanId, alarmed };
}

/** The user's own, or one that is made. */
function vpcEndpoints(
  { scope, config, network }: TaskApiStackArgs,
  awsProvider: aws.Provider,
): readonly pulumi.Input<string>[] {
  const { vpcEndpointIds } = config.async.api;
  if (vpcEndpointIds.length > 0 || network === undefined) return vpcEndpointIds;
  const { endpointId } = new ExecuteApiEndpoint(
    "execute-api",
    {
      scope,
      vpcId: network.vpcId,
      vpcCidr: network.vpcCidr,
      subnetIds: network.privateSubnetIds,
    },
    { providers: { aws: awsProvider } },
  );
  return [endpointId];
}

const bytesPerMiB = 1024 * 1024;

function settingsOf({ scope, config: { async: config }, pipeline, managed }: TaskApiStackArgs) {
  return {
    ...managed?.settings,
    STACK: scope.stack,
    TABLE_NAME: pipeline.table.name,
    TASK_TOPIC_ARN: pipeline.taskTopicArn,
    RESULTS_BUCKET: pipeline.results.bucketName,
    INPUTS_BUCKET: pipeline.inputs.bucketName,
    TASK_TTL_SECONDS: String(longestTimes(config).recordSeconds),
    LINK_SECONDS: String(config.api.linkMinutes * 60),
    UPLOAD_BYTES: String(config.api.maxUploadMiB * bytesPerMiB),
    METRIC_NAMESPACE,
  };
}

function listsOf(config: AsyncConfig, managed: readonly Runtime[]): TaskApiLists {
  return {
    RUNTIMES: JSON.stringify([...runtimesOf(config), ...managed]),
    INPUT_HOSTS: config.inputs.hosts.join(","),
    INPUT_BUCKETS: config.inputs.buckets.join(","),
  };
}

/** The runtimes on the cluster, as the API knows them. */
function runtimesOf({ runtimes }: AsyncConfig): readonly Runtime[] {
  return Object.entries(runtimes).map(
    ([name, { adapter, model, accelerator, longestTaskSeconds }]) => ({
      name,
      adapter,
      ...(model === undefined ? {} : { model }),
      accelerator,
      types: [...adapterTypes[adapter]],
      longestTaskSeconds,
    }),
  );
}
