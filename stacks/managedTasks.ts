import { createHash } from "node:crypto";
import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { DeadLetters } from "../components/alarms";
import { ManagedResults } from "../components/managedResults";
import type { ManagedTaskStores } from "../components/managedTaskAccess";
import { ResultCache } from "../components/resultCache";
import type { Scope } from "../components/scope";
import { METRIC_NAMESPACE } from "../contracts/metrics";
import { adapterTypes, type ManagedRuntime } from "../contracts/tasks/runtimes";
import { type ManagedTaskSettings, TASK_RESULTS } from "../contracts/tasks/settings";
import type { AsyncConfig } from "./config/async";
import type { FleetConfig } from "./config/schema";
import { serverRevision } from "./images";
import type { ManagedEndpoints } from "./managedEndpoints";
import type { ResolvedAsyncEndpoint } from "./resolveEndpoints";
import type { TaskPipeline } from "./taskPipeline";
import { requestSeconds } from "./taskTimes";

export interface ManagedTasksArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly endpoints: readonly ResolvedAsyncEndpoint[];
  readonly managed: ManagedEndpoints;
  readonly pipeline: TaskPipeline;
}

/** How the API's function asks endpoints, and what brings their results back. */
export interface ManagedTasks {
  readonly runtimes: readonly ManagedRuntime[];
  /** More of the API's environment. */
  readonly settings: {
    readonly [Name in keyof ManagedTaskSettings]: pulumi.Input<string>;
  };
  /** What the API works with beside the pipeline. */
  readonly stores: ManagedTaskStores & { readonly inputBuckets: readonly string[] };
  readonly deadLetters: DeadLetters;
  /** Of what brings results back. */
  readonly functionName: pulumi.Input<string>;
  /** A result that comes before these are there is lost. */
  readonly ready: readonly pulumi.Resource[];
}

/** What tasks of managed runtimes go through; nothing where there are none. */
export function managedTasks(
  args: ManagedTasksArgs,
  awsProvider: aws.Provider,
): ManagedTasks | undefined {
  const { scope, config, managed, pipeline } = args;
  const { cache, inputs, results, managedRuntimes } = config.async;
  if (Object.keys(managedRuntimes).length === 0) return undefined;
  const opts = { providers: { aws: awsProvider } };
  const cached = cache.enabled ? new ResultCache("result-cache", { scope }, opts) : undefined;
  const names = [...new Set(Object.values(managedRuntimes).map(({ endpoint }) => endpoint))];
  const endpoints = names.map((name) => [name, managed.asynchronous.get(name)!] as const);
  const stores: ManagedTaskStores = {
    endpointArns: endpoints.map(([, { endpointArn }]) => endpointArn),
    endpointsBucketArn: managed.bucket.bucketArn,
    endpointsKeyArn: config.sagemaker.kmsKeyArn,
    resultTopicArn: pipeline.resultTopicArn,
    cacheTableArn: cached?.tableArn,
  };
  const shared = {
    ENDPOINTS_BUCKET: managed.bucket.bucketName,
    RESULT_TOPIC_ARN: pipeline.resultTopicArn,
    REQUEST_TTL_SECONDS: String(requestSeconds(config.async)),
    ...(cached === undefined ? {} : { CACHE_TABLE_NAME: cached.tableName }),
  };
  const runtimes = runtimesOf(args);
  const back = new ManagedResults(
    TASK_RESULTS,
    {
      scope,
      topicArns: Object.fromEntries(
        endpoints.flatMap(([name, { successTopicArn, errorTopicArn }]) => [
          [`${name}-success`, successTopicArn],
          [`${name}-error`, errorTopicArn],
        ]),
      ),
      settings: {
        ...shared,
        STACK: scope.stack,
        TABLE_NAME: pipeline.table.name,
        RESULTS_BUCKET: pipeline.results.bucketName,
        METRIC_NAMESPACE,
        ...(cached === undefined ? {} : { CACHE_SECONDS: String(cache.days * daySeconds) }),
      },
      runtimes,
      stores: {
        ...stores,
        tableArn: pipeline.table.arn,
        resultsBucketArn: pipeline.results.bucketArn,
        resultsKeyArn: results.kmsKeyArn,
        topicKeyArn: pipeline.topicKeyArn,
      },
      logRetentionDays: config.observability.logRetentionDays,
    },
    { ...opts, dependsOn: [...pipeline.ready, ...(cached?.ready ?? [])] },
  );
  return {
    runtimes,
    settings: { ...shared, INPUT_BYTES: String(inputBytes(inputs)) },
    stores: { ...stores, inputBuckets: inputs.buckets },
    deadLetters: back.deadLetters,
    functionName: back.function.name,
    ready: [...back.ready, ...endpoints.flatMap(([, endpoint]) => endpoint.ready)],
  };
}

const daySeconds = 24 * 3600;

/** What the server takes of images in one request, in base64 (IMAGE_LIMIT_BYTES, 20 MiB). */
const longestInputMiB = 14;

function inputBytes({ maxMiB }: AsyncConfig["inputs"]): number {
  return Math.min(maxMiB, longestInputMiB) * 2 ** 20;
}

function runtimesOf({ config, endpoints, managed }: ManagedTasksArgs): readonly ManagedRuntime[] {
  return Object.entries(config.async.managedRuntimes).map(
    ([name, { endpoint, longestTaskSeconds, maxAttempts }]) => {
      const resolved = endpoints.find((it) => it.name === endpoint)!;
      const { hosting, machines } = resolved;
      return {
        name,
        adapter: "fleet",
        model: hosting.model,
        accelerator: machines.type.accelerator,
        types: [...adapterTypes.fleet],
        longestTaskSeconds,
        endpoint: managed.asynchronous.get(endpoint)!.endpointName,
        revision: revisionOf(config, resolved),
        maxAttempts,
      };
    },
  );
}

/**
 * A hash of all that images depend on beside the request. Settings that are encrypted are in it too:
 * it does not tell them.
 *
 * @returns 16 hexadecimal digits
 */
function revisionOf(config: FleetConfig, { hosting, machines }: ResolvedAsyncEndpoint): string {
  const { model, framework, artefactPath, container, safetyChecker, env } = hosting;
  const image = container ?? serverRevision(config, framework);
  const { accelerator } = machines.type;
  const settings = Object.entries(env).sort();
  const all = [model, framework, artefactPath, image, safetyChecker, settings, accelerator];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
}
