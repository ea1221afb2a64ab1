import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { TABLE_KEY } from "../../contracts/tasks/record";
import { ExitCode } from "../exitCode";
import { ago } from "../routes/age";
import { type Paint, paintFor, table } from "../terminal";
import { askAws } from "./askAws";
import { type DeadLetter, deadLetterOf } from "./deadLetter";
import { messages } from "./messages";
import { queueClient } from "./queueClient";
import { type Queue, queueNamed } from "./runtimeQueues";
import { stackNames } from "./stackNames";
import { indented } from "./taskText";

export interface QueueOptions {
  readonly stack: string;
  readonly json: boolean;
}

/** Seconds that nobody else sees what is looked at; it is given back before, unless we die. */
const LOOK_SECONDS = 60;

/** Messages of one receipt, or of one batch. Source: Amazon SQS API reference, ReceiveMessage. */
const BATCH = 10;

/** Keys of one request. Source: Amazon DynamoDB API reference, BatchGetItem. */
const KEYS = 100;

/** Prints why messages are in a runtime's dead-letter queue. They stay there. */
export async function runDeadLetters(
  root: string,
  runtime: string,
  { stack, json, limit }: QueueOptions & { readonly limit: number },
): Promise<number> {
  const names = stackNames(root, stack);
  const [sqs, dynamodb] = [queueClient(names.region), new DynamoDBClient({ region: names.region })];
  try {
    const queue = await queueNamed(sqs, names.deadLetterQueue(runtime), runtime, names);
    const seen = await looked(sqs, queue, limit);
    const letters = await withAttempts(dynamodb, names.table, seen.map(deadLetterOf));
    const text = json
      ? JSON.stringify({ queue: queue.name, waiting: queue.waiting, deadLetters: letters }, null, 2)
      : deadLetterLines(queue, letters, runtime, paintFor(process.stdout)).join("\n");
    process.stdout.write(`${text}\n`);
    return ExitCode.ok;
  } finally {
    sqs.destroy();
    dynamodb.destroy();
  }
}

/** Receives without deleting, and gives everything back. */
async function looked(sqs: SQSClient, { url }: Queue, limit: number): Promise<Message[]> {
  const seen = new Map<string, Message>();
  const held: Message[] = [];
  try {
    while (seen.size < limit) {
      const { Messages = [] } = await askAws(
        "looking into the dead-letter queue",
        sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: Math.min(BATCH, limit - seen.size),
            VisibilityTimeout: LOOK_SECONDS,
            // Asks all of SQS's servers, so that nothing means that there is nothing.
            WaitTimeSeconds: 1,
            MessageSystemAttributeNames: ["All"],
            MessageAttributeNames: ["All"],
          }),
        ),
      );
      held.push(...Messages);
      const fresh = Messages.filter(({ MessageId }) => !seen.has(MessageId!));
      for (const message of fresh) seen.set(message.MessageId!, message);
      if (fresh.length === 0) break;
    }
  } finally {
    await giveBack(sqs, url, held);
  }
  return [...seen.values()];
}

/** What is not given back comes back by itself, later. */
async function giveBack(sqs: SQSClient, url: string, held: readonly Message[]): Promise<void> {
  for (let from = 0; from < held.length; from += BATCH)
    await sqs
      .send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: url,
          Entries: held.slice(from, from + BATCH).map(({ ReceiptHandle }, index) => ({
            Id: String(index),
            ReceiptHandle,
            VisibilityTimeout: 0,
          })),
        }),
      )
      .catch(() => undefined);
}

/** The table need not be readable to whoever looks after the queues. */
async function withAttempts(
  dynamodb: DynamoDBClient,
  tableName: string,
  letters: readonly DeadLetter[],
): Promise<DeadLetter[]> {
  const attempts = new Map<string, number>();
  const keys = [...new Set(letters.flatMap(({ key }) => key ?? []))];
  for (let from = 0; from < keys.length; from += KEYS) {
    const Keys = keys.slice(from, from + KEYS).map((key) => ({ [TABLE_KEY]: { S: key } }));
    const { Responses = {} } = await dynamodb
      .send(new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys } } }))
      .catch(() => ({ Responses: {} as Record<string, never> }));
    for (const item of Responses[tableName] ?? [])
      attempts.set(item[TABLE_KEY]!.S!, Number(item.attempts?.N));
  }
  return letters.map((letter) => ({ ...letter, attempts: attempts.get(letter.key ?? "") ?? null }));
}

function deadLetterLines(
  { name, waiting }: Queue,
  letters: readonly DeadLetter[],
  runtime: string,
  paint: Paint,
): string[] {
  if (letters.length === 0)
    return [
      waiting > 0
        ? `${name} has ${messages(waiting)}, which somebody else looks at now; try again in a minute.`
        : `${name} is empty.`,
    ];
  const now = new Date().toISOString();
  const [title, ...lines] = table(
    [
      { title: "task" },
      { title: "code" },
      { title: "tries", align: "right" },
      { title: "age", align: "right" },
    ],
    letters.map(({ key, messageId, code, attempts, since }) => [
      key ?? `message ${messageId}`,
      code ?? "–",
      attempts === null ? "?" : String(attempts),
      since === null ? "?" : ago(since, now),
    ]),
    paint,
  );
  const more = waiting > letters.length ? ` of about ${waiting}` : "";
  return [
    title!,
    ...lines.flatMap((line, index) => [
      line,
      ...indented(letters[index]!.reason).map((text) => paint("dim", text)),
    ]),
    "",
    `Dead letters: ${letters.length}${more}. Back into the queue: npm run -s fleet -- tasks redrive ${runtime}`,
  ];
}
