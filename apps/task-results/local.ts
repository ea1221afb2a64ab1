import { setTimeout as pause } from "node:timers/promises";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Context, SQSRecord } from "aws-lambda";
import * as z from "zod";
import { TASK_RESULTS } from "../../contracts/tasks/settings";
import { UserError } from "../../contracts/userError";
import { createLog } from "../service/log";
import { readSettings } from "../service/settings";
import { stopOnSignals } from "../service/stop";
import type { handler as Handler } from "./lambda";

/**
 * The function without Lambda, for tests and the demo: an event source mapping of one batch at a
 * time. Beside the function's own environment:
 */
const settingsSchema = z.object({
  QUEUE_URL: z.string().min(1).describe("queue of the notifications"),
  TIMEOUT_SECONDS: z.coerce.number("seconds").positive("seconds").default(120),
  RETRY_SECONDS: z.coerce
    .number("seconds")
    .min(0, "seconds")
    .default(0)
    .describe("until what could not be settled is visible again; Lambda waits for the timeout"),
  SWEEP_SECONDS: z.coerce
    .number("seconds")
    .positive("seconds")
    .optional()
    .describe("between two sweeps; absent: none"),
});

type Settings = z.infer<typeof settingsSchema>;

const BATCH = 5;

async function main(): Promise<void> {
  const settings = readSettings(settingsSchema);
  const log = createLog("info", { app: TASK_RESULTS });
  // It reads the function's environment as it loads.
  const { handler } = await import("./lambda");
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  let isStopping = false;
  stopOnSignals({
    log,
    steps: [
      {
        name: "stop receiving",
        stop: async () => {
          isStopping = true;
        },
      },
    ],
  });
  log.info({ queue: settings.QUEUE_URL }, "listening");
  const sweepMs = (settings.SWEEP_SECONDS ?? Number.POSITIVE_INFINITY) * 1000;
  for (let sweptAt = performance.now(); !isStopping; ) {
    await batch(sqs, handler, settings).catch(async (error: unknown) => {
      log.error({ error }, "a batch is left");
      await pause(100);
    });
    if (performance.now() - sweptAt < sweepMs) continue;
    sweptAt = performance.now();
    // As the program's rule calls it (components/resultSweep.ts).
    await handler({ sweep: true }, contextOf(settings)).catch((error: unknown) =>
      log.error({ error }, "a sweep is left"),
    );
  }
}

async function batch(sqs: SQSClient, handler: typeof Handler, settings: Settings): Promise<void> {
  const { QUEUE_URL: QueueUrl, RETRY_SECONDS } = settings;
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: BATCH,
      WaitTimeSeconds: 1,
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    }),
  );
  if (Messages.length === 0) return;
  const { batchItemFailures = [] } =
    (await handler({ Records: Messages.map(recordOf) }, contextOf(settings))) ?? {};
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const { MessageId, ReceiptHandle } of Messages)
    await (failed.has(MessageId!)
      ? sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl,
            ReceiptHandle,
            VisibilityTimeout: RETRY_SECONDS,
          }),
        )
      : sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })));
}

function contextOf({ TIMEOUT_SECONDS }: Settings): Context {
  const endsAt = performance.now() + TIMEOUT_SECONDS * 1000;
  return { getRemainingTimeInMillis: () => endsAt - performance.now() } as Context;
}

/** As far as the function looks at it. */
function recordOf({ MessageId, Body, Attributes }: Message): SQSRecord {
  return { messageId: MessageId, body: Body, attributes: Attributes } as unknown as SQSRecord;
}

main().catch((error: unknown) => {
  const isUsers = error instanceof UserError;
  process.stderr.write(`${isUsers ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exit(isUsers ? 2 : 1);
});
