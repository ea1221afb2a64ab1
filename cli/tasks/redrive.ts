import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteMessageCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { askAws } from "./askAws";
import type { QueueOptions } from "./deadLetters";
import { messages } from "./messages";
import { bar, type Progress, progressOn } from "./progress";
import { queueClient } from "./queueClient";
import { type Queue, queueNamed } from "./runtimeQueues";
import { stackNames } from "./stackNames";

/** What was moved. */
interface Moved {
  readonly moved: number;
  /** Of these, when it began. */
  readonly waiting: number;
  readonly status: string;
  readonly failure?: string;
}

const POLL_MS = 1000;
const BAR_WIDTH = 30;

/** Seconds in which a message that we take is sent on and deleted. */
const MOVE_SECONDS = 30;
const BATCH = 10;

/** Brings a runtime's dead letters back into its queue. 1 when not all of them came there. */
export async function runRedrive(
  root: string,
  runtime: string,
  { stack, json, yes }: QueueOptions & { readonly yes: boolean },
): Promise<number> {
  const names = stackNames(root, stack);
  const sqs = queueClient(names.region);
  try {
    const from = await queueNamed(sqs, names.deadLetterQueue(runtime), runtime, names);
    const to = await queueNamed(sqs, names.queue(runtime), runtime, names);
    if (from.waiting > 0 && !yes) await confirmed(from, to);
    const outcome =
      from.waiting === 0
        ? { moved: 0, waiting: 0, status: "COMPLETED" }
        : await move(sqs, from, to, progressOn(process.stderr));
    process.stdout.write(
      json
        ? `${JSON.stringify({ from: from.name, to: to.name, ...outcome }, null, 2)}\n`
        : `${sentence(from, to, outcome)}\n`,
    );
    return outcome.status === "COMPLETED" ? ExitCode.ok : ExitCode.incomplete;
  } finally {
    sqs.destroy();
  }
}

/** @throws UserError when nobody says yes */
async function confirmed(from: Queue, to: Queue): Promise<void> {
  const go = from.waiting === 1 ? ["goes", "runs"] : ["go", "run"];
  const what = `About ${messages(from.waiting)} ${go[0]} from ${from.name} back to ${to.name}, and ${go[1]} once more.`;
  if (!process.stdin.isTTY) throw new UserError(`${what} To do so, give --yes.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${what} Go on? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new UserError("Nothing is moved.");
  } finally {
    terminal.close();
  }
}

/**
 * SQS moves them by itself. It has to be told where to, because it does not know where a message
 * came from that an agent sent.
 */
async function move(sqs: SQSClient, from: Queue, to: Queue, progress: Progress): Promise<Moved> {
  const start = new StartMessageMoveTaskCommand({
    SourceArn: from.arn,
    DestinationArn: to.arn,
  });
  const started = sqs.send(start).then(
    () => true,
    (error: Error) => {
      if (isUnknownAction(error)) return false;
      throw error;
    },
  );
  if (!(await askAws("moving the messages", started))) return moveOneByOne(sqs, from, to, progress);
  for (;;) {
    const { Results: [task] = [] } = await askAws(
      "following the move",
      sqs.send(new ListMessageMoveTasksCommand({ SourceArn: from.arn, MaxResults: 1 })),
    );
    const moved = Number(task?.ApproximateNumberOfMessagesMoved ?? 0);
    const waiting = Number(task?.ApproximateNumberOfMessagesToMove ?? from.waiting);
    showMoved(progress, moved, waiting);
    const status = task?.Status ?? "RUNNING";
    if (status !== "RUNNING") {
      progress.end();
      const failure = task?.FailureReason;
      return { moved, waiting, status, ...(failure !== undefined && { failure }) };
    }
    await sleep(POLL_MS);
  }
}

/** A server that only plays SQS, as moto does, answers with a page. */
function isUnknownAction({ name }: Error): boolean {
  return name === "SyntaxError" || /^(InvalidAction|UnknownOperation)/.test(name);
}

/**
 * Moves them ourselves. A message is deleted only when it is in the other queue, so that it may be
 * in both for a moment, and never in none.
 */
async function moveOneByOne(
  sqs: SQSClient,
  from: Queue,
  to: Queue,
  progress: Progress,
): Promise<Moved> {
  let moved = 0;
  // No more than there were: what fails once more comes here once more.
  while (moved < from.waiting) {
    const { Messages = [] } = await askAws(
      "taking dead letters",
      sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: from.url,
          MaxNumberOfMessages: Math.min(BATCH, from.waiting - moved),
          VisibilityTimeout: MOVE_SECONDS,
          MessageAttributeNames: ["All"],
        }),
      ),
    );
    if (Messages.length === 0) break;
    for (const { Body, MessageAttributes, ReceiptHandle } of Messages) {
      await askAws(
        "sending a message to the queue",
        sqs.send(
          new SendMessageCommand({ QueueUrl: to.url, MessageBody: Body, MessageAttributes }),
        ),
      );
      await askAws(
        "deleting a dead letter",
        sqs.send(new DeleteMessageCommand({ QueueUrl: from.url, ReceiptHandle })),
      );
      moved += 1;
      showMoved(progress, moved, from.waiting);
    }
  }
  progress.end();
  return { moved, waiting: from.waiting, status: "COMPLETED" };
}

function showMoved(progress: Progress, moved: number, waiting: number): void {
  const text = `${moved}/${waiting} moved`;
  progress.show([`${bar(moved / Math.max(1, waiting), BAR_WIDTH)} ${text}`], text);
}

function sentence(from: Queue, to: Queue, { moved, waiting, status, failure }: Moved): string {
  if (waiting === 0) return `${from.name} is empty: there is nothing to bring back.`;
  const what = `${messages(moved)} of ${waiting} ${moved === 1 ? "is" : "are"} back in ${to.name}.`;
  if (status === "COMPLETED") return what;
  return `${what} SQS has stopped (${status}): ${failure ?? "it does not say why"}`;
}
