import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { TASK_API } from "../../contracts/tasks/settings";
import { readSettings } from "../service/settings";
import { createClients } from "./clients";
import { deployedLists } from "./deployedLists";
import { createHandler } from "./handler";
import { Publisher } from "./publisher";
import { settingsSchema } from "./settings";
import { TaskStore } from "./taskStore";

// Once an instance: what is made here is kept from request to request.
const settings = readSettings(settingsSchema, { ...process.env, ...deployedLists(process.env) });
const { dynamoDb, sns, s3 } = createClients();

const log = new Logger({ serviceName: TASK_API });

/** The function's entry: requests of API Gateway's REST API (proxy integration). */
export const handler = createHandler(
  (deadline) => ({
    settings,
    inputs: { hosts: settings.INPUT_HOSTS, buckets: settings.INPUT_BUCKETS },
    store: new TaskStore(dynamoDb, settings.TABLE_NAME, deadline),
    publisher: new Publisher({
      sns,
      s3,
      topicArn: settings.TASK_TOPIC_ARN,
      inputsBucket: settings.INPUTS_BUCKET,
      deadline,
    }),
    s3,
    log,
  }),
  new Metrics({ namespace: settings.METRIC_NAMESPACE, serviceName: TASK_API }),
);
