import { Registry } from "prom-client";
import { QUEUE_AGENT } from "../../contracts/tasks/settings";
import { UserError } from "../../contracts/userError";
import { serveEndpoints } from "../service/endpoints";
import { createLog } from "../service/log";
import { readSettings } from "../service/settings";
import { stopOnSignals } from "../service/stop";
import { createAdapter } from "./adapters/createAdapter";
import { Agent } from "./agent";
import { Ahead } from "./ahead";
import { awsClients } from "./awsClients";
import { Claims } from "./claims";
import { DeadLetters } from "./deadLetters";
import { deadlineMs, drainSteps } from "./drain";
import { EmbeddedMetrics } from "./embeddedMetrics";
import { Heartbeat } from "./heartbeat";
import { keepHeapSmall } from "./memory";
import { Metrics } from "./metrics";
import { ResultTopic } from "./notifications";
import { Pipeline } from "./pipeline";
import { Queue } from "./queue";
import { Readiness } from "./readiness";
import { Receiver } from "./receiver";
import { Results } from "./results";
import { settingsSchema } from "./settings";
import { Settlement } from "./settlement";
import { Teller } from "./teller";
import { createTracing } from "./tracing";

async function main(): Promise<void> {
  keepHeapSmall();
  const settings = readSettings(settingsSchema);
  const { STACK: stack, RUNTIME: runtime, POD_NAME: pod } = settings;
  const visibilitySeconds = settings.VISIBILITY_SECONDS;
  const drainSeconds = settings.DRAIN_SECONDS;
  const log = createLog(settings.LOG_LEVEL, { app: QUEUE_AGENT, pod, stack, runtime });
  const registry = new Registry();
  const namespace = settings.METRIC_NAMESPACE;
  const metrics = new Metrics(registry, new EmbeddedMetrics({ namespace, stack, runtime }));
  const { dynamodb, s3, sns, sqs } = awsClients();
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  const tracing = await createTracing({ endpoint, stack, runtime, pod });

  const adapter = createAdapter(settings.ADAPTER, {
    url: settings.RUNTIME_URL,
    dynamicModel: settings.DYNAMIC_MODEL,
  });
  const readiness = new Readiness({
    adapter,
    log,
    onChange: (isReady) => metrics.runtimeIs(isReady),
  });
  const queue = new Queue(sqs, settings.QUEUE_URL);
  const topic = new ResultTopic(sns, settings.RESULT_TOPIC_ARN);
  const claims = new Claims({
    client: dynamodb,
    tableName: settings.TABLE_NAME,
    pod,
    visibilitySeconds,
    taskTtlSeconds: settings.TASK_TTL_SECONDS,
  });
  const heartbeat = new Heartbeat({
    heartbeatSeconds: settings.HEARTBEAT_SECONDS,
    visibilitySeconds,
    extend: (receiptHandle, seconds) => queue.visibleAfter(receiptHandle, seconds),
    renew: (claim, seconds, isStopping) => claims.renew(claim, seconds, isStopping),
    log,
  });
  const teller = new Teller({ topic, queue, isBusy: (): boolean => pipeline.isBusy, log });
  const limits = {
    runtime,
    resultsBucket: settings.RESULTS_BUCKET,
    maxAttempts: settings.MAX_ATTEMPTS,
    maxReceiveCount: settings.MAX_RECEIVE_COUNT,
    longestTaskSeconds: settings.LONGEST_TASK_SECONDS,
  };
  const agent = new Agent({
    settings: {
      ...limits,
      adapterName: settings.ADAPTER,
      notifyRunning: settings.NOTIFY_RUNNING,
    },
    adapter,
    readiness,
    inputs: {
      s3,
      inputsBucket: settings.INPUTS_BUCKET,
      buckets: settings.INPUT_BUCKETS,
      hosts: settings.INPUT_HOSTS,
      maxBytes: settings.INPUT_BYTES,
    },
    claims,
    heartbeat,
    results: new Results(s3, settings.RESULTS_BUCKET),
    topic,
    teller,
    settlement: new Settlement({
      settings: { ...limits, visibilitySeconds },
      claims,
      queue,
      topic,
      teller,
      deadLetters: new DeadLetters(sqs, settings.DEAD_LETTER_QUEUE_URL),
      metrics,
      log,
    }),
    metrics,
    tracing,
    log,
  });
  const pipeline = new Pipeline(agent, new Ahead());
  const receiver = new Receiver({
    client: sqs,
    queueUrl: settings.QUEUE_URL,
    visibilitySeconds,
    wanted: async () => {
      await pipeline.wanted();
      await readiness.whenReady();
    },
    take: (delivery) => pipeline.take(delivery),
    giveBack: ({ receiptHandle }) => queue.visibleAfter(receiptHandle, 0),
    log,
  });

  const endpoints = await serveEndpoints({
    port: settings.PORT,
    metrics: registry,
    readiness: () => (readiness.problem === undefined ? [] : [readiness.problem]),
    log,
  });
  const drain = { receiver, readiness, agent, pipeline, teller, heartbeat, drainSeconds };
  stopOnSignals({
    log,
    deadlineMs: deadlineMs(drainSeconds),
    steps: [
      ...drainSteps(drain),
      { name: "let go of the runtime", stop: () => adapter.close() },
      { name: "send the last spans", stop: () => tracing.stop() },
      { name: "close the endpoints", stop: () => endpoints.close() },
    ],
  });
  log.info({ port: endpoints.port, adapter: settings.ADAPTER }, "started");
  receiver.start();
}

main().catch((error: unknown) => {
  const isUsers = error instanceof UserError;
  process.stderr.write(`${isUsers ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exit(isUsers ? 2 : 1);
});
