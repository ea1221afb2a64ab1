import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { usageRequestsMetric } from "../../contracts/metrics";
import { TASK_API } from "../../contracts/tasks/settings";
import { ResultTopic } from "../queue-agent/notifications";
import { readSettings } from "../service/settings";
import type { ManagedApi } from "./api";
import { createClients } from "./clients";
import type { Deadline } from "./deadline";
import { deployedLists } from "./deployedLists";
import { createHandler } from "./handler";
import { publishUsage } from "./metrics";
import { Publisher } from "./publisher";
import { ResultCache } from "./resultCache";
import { settingsSchema } from "./settings";
import { TaskStore } from "./taskStore";

// Once an instance: what is made here is kept from request to request.
const settings = readSettings(settingsSchema, { ...process.env, ...deployedLists(process.env) });
const { dynamoDb, sns, s3, sageMaker } = createClients();

const log = new Logger({ serviceName: TASK_API });

const region = process.env.AWS_REGION ?? "";
const usage = new Metrics({
  namespace: usageRequestsMetric("", region).namespace,
  serviceName: TASK_API,
});

/** The function's entry: requests of API Gateway's REST API (proxy integration). */
export const handler = createHandler(
  (deadline) => ({
    settings,
    inputs: { hosts: settings.INPUT_HOSTS, buckets: settings.INPUT_BUCKETS },
    store: storeUntil(deadline),
    publisher: new Publisher({
      sns,
      s3,
      topicArn: settings.TASK_TOPIC_ARN,
      inputsBucket: settings.INPUTS_BUCKET,
      deadline,
    }),
    s3,
    deadline,
    log,
    managed: managedUntil(deadline),
    countRequest: (endpoint) => publishUsage(usage, endpoint, region),
  }),
  new Metrics({ namespace: settings.METRIC_NAMESPACE, serviceName: TASK_API }),
);

function storeUntil(deadline: Deadline): TaskStore {
  return new TaskStore(dynamoDb, settings.TABLE_NAME, deadline);
}

function managedUntil(deadline: Deadline): ManagedApi | undefined {
  const { ENDPOINTS_BUCKET, RESULT_TOPIC_ARN, CACHE_TABLE_NAME } = settings;
  if (ENDPOINTS_BUCKET === undefined || RESULT_TOPIC_ARN === undefined) return undefined;
  return {
    store: storeUntil(deadline),
    topic: new ResultTopic(sns, RESULT_TOPIC_ARN),
    sageMaker,
    endpointsBucket: ENDPOINTS_BUCKET,
    cache:
      CACHE_TABLE_NAME === undefined
        ? undefined
        : new ResultCache(dynamoDb, CACHE_TABLE_NAME, deadline.work),
  };
}
