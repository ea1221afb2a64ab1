import { Logger } from "@aws-lambda-powertools/logger";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { TASK_RESULTS } from "../../contracts/tasks/settings";
import { ResultTopic } from "../queue-agent/notifications";
import { readSettings } from "../service/settings";
import { callConfig, createClients } from "../task-api/clients";
import { type Deadline, deadlineOf } from "../task-api/deadline";
import { deployedLists } from "../task-api/deployedLists";
import { ResultCache } from "../task-api/resultCache";
import { TaskStore } from "../task-api/taskStore";
import { createHandler } from "./handler";
import { settingsSchema } from "./settings";
import type { SettlementParts } from "./settlement";
import { sweep } from "./sweep";

// Once an instance: what is made here is kept from batch to batch.
const settings = readSettings(settingsSchema, { ...process.env, ...deployedLists(process.env) });
const { dynamoDb, sns, s3, sageMaker } = createClients();
const sqs = new SQSClient({ ...callConfig, useQueueUrlAsEndpoint: false });
const log = new Logger({ serviceName: TASK_RESULTS });
const { CACHE_TABLE_NAME } = settings;

const settleBatch = createHandler(partsUntil);

/**
 * The function's entry: batches of the queue that is subscribed to the endpoints' topics, and now and
 * then a scheduled event, for what none of them told of.
 */
export async function handler(
  event: Pick<SQSEvent, "Records"> | { readonly sweep: true },
  context: Context,
): Promise<SQSBatchResponse | undefined> {
  if ("Records" in event) return await settleBatch(event, context);
  await sweep({ ...partsUntil(deadlineOf(context)), sqs });
  return undefined;
}

function partsUntil(deadline: Deadline): SettlementParts {
  return {
    settings,
    store: new TaskStore(dynamoDb, settings.TABLE_NAME, deadline),
    topic: new ResultTopic(sns, settings.RESULT_TOPIC_ARN),
    sageMaker,
    s3,
    cache:
      CACHE_TABLE_NAME === undefined
        ? undefined
        : new ResultCache(dynamoDb, CACHE_TABLE_NAME, deadline.work),
    deadline,
    log,
  };
}
