import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { CONTEXT_BYTES, type Submitted } from "../../contracts/tasks/api";
import type { TaskMessage } from "../../contracts/tasks/message";
import { recordKey, type TaskRecord } from "../../contracts/tasks/record";
import { isManaged, type Runtime } from "../../contracts/tasks/runtimes";
import { outputLocation, type TaskRequest, taskRequestSchema } from "../../contracts/tasks/task";
import type { JsonObject } from "../queue-agent/json";
import { jsonAnswer } from "./answer";
import type { Api } from "./api";
import { AwsUnavailable } from "./awsCall";
import { canonicalHash } from "./canonicalJson";
import { wrongInputs } from "./contentInputs";
import { wrongManagedInputs } from "./managedInputs";
import { runManaged } from "./managedTask";
import { invalid, Problem, valid } from "./problem";
import { header, readJson } from "./requestBody";
import { traceOf } from "./trace";

/** A task whose request has been looked at. */
export interface Submission extends TaskRequest {
  readonly id: string;
}

/** `POST /v1/tasks`: the same id and body are the same task; another body is refused. */
export async function submit(
  api: Api,
  event: APIGatewayProxyEvent,
): Promise<APIGatewayProxyResult> {
  const request = valid(taskRequestSchema, readJson(event));
  const runtime = checkRuntime(api, request, "type");
  checkContext(request.context, "context");
  checkInputs(api, runtime, request, ["content"]);

  const id = request.id ?? randomUUID();
  const task = newTask(api, { ...request, id });
  const record = await take(api, task);
  if (record.state === "queued" || record.isUntold === true)
    await tell(api, event, task, { runtime, record, path: "content" });
  const answer: Submitted = {
    id,
    runtime: record.runtime,
    type: record.type,
    outputLocation: outputLocation(api.settings.RESULTS_BUCKET, record),
    createdAt: record.createdAt,
  };
  const path = (event.requestContext?.path ?? event.path).replace(/\/+$/, "");
  return jsonAnswer(202, answer, { Location: `${path}/${id}` });
}

/** A task on its way to the table and the topic. */
export interface NewTask {
  readonly record: TaskRecord & { readonly requestHash: string };
  readonly message: TaskMessage;
}

/** What is written and published of a task; both tell the same. */
export function newTask({ settings }: Api, submission: Submission, run?: string): NewTask {
  const { id, runtime, type, prefix, context, content } = submission;
  const now = new Date();
  const createdAt = now.toISOString();
  const key = recordKey(id, run);
  const requestHash = canonicalHash(submission);
  const optional = {
    ...(prefix !== undefined && { prefix }),
    ...(context !== undefined && { context }),
  };
  return {
    record: {
      key,
      id,
      ...(run !== undefined && { run }),
      runtime,
      type,
      ...optional,
      state: "queued",
      requestHash,
      createdAt,
      attempts: 0,
      expiresAt: Math.floor(now.getTime() / 1000) + settings.TASK_TTL_SECONDS,
    },
    message: {
      metadata: { id, runtime, tasktype: type, ...optional },
      content,
      key,
      submittedAt: createdAt,
      requestHash,
    },
  };
}

/** The record of a task: its own new one, or that of the same request before. */
async function take({ store }: Api, { record }: NewTask): Promise<TaskRecord & { isNew: boolean }> {
  // Between the two writes, the record may be taken back or run; a third round has no reason.
  for (let round = 0; round < 3; round++) {
    const added = await store.add(record);
    if (added.isDone) return { ...record, isNew: true };
    const { record: existing } = added;
    if (existing === undefined) continue;
    if (existing.requestHash !== record.requestHash)
      throw new Problem("conflict", "The id is another task's.", [
        {
          field: "id",
          value: record.id,
          allowed: "an id that was not used before, or the same request as before",
        },
      ]);
    if (existing.state !== "queued") return { ...existing, isNew: false };
    const repeated = await store.repeat(record.key, record.requestHash);
    if (repeated.record !== undefined) return { ...repeated.record, isNew: false };
  }
  throw new AwsUnavailable("DynamoDB PutItem", new Error("the record comes and goes"));
}

/** Who is told of a task, and what the table knows of it. */
export interface Told {
  readonly runtime: Runtime;
  readonly record: TaskRecord & { readonly isNew: boolean };
  /** Of the content in the request. */
  readonly path: string;
}

/**
 * Publishes a task whose record is in the table; of a repeated request once more, because the first
 * may have ended before it did, and agents do not mind. A managed runtime is told itself, once.
 * Without either there may be no record: it is taken back. Where that fails too, the request's
 * repetition tells.
 *
 * @throws AwsUnavailable
 * @throws Problem `invalid` when a managed runtime's inputs cannot be had
 */
export async function tell(
  api: Api,
  { headers }: APIGatewayProxyEvent,
  { record, message }: NewTask,
  { runtime, record: seen, path }: Told,
): Promise<void> {
  const { store, publisher, log } = api;
  const { isNew, ...known } = seen;
  try {
    const trace = traceOf(
      { traceparent: header(headers, "traceparent"), tracestate: header(headers, "tracestate") },
      process.env._X_AMZN_TRACE_ID,
    );
    if (isManaged(runtime)) {
      const content = message.content as JsonObject;
      const { requestHash } = record;
      await runManaged(api, runtime, { record: known, requestHash, content, path }, trace);
    } else await publisher.publish(record.key, { ...message, submittedAt: seen.createdAt }, trace);
  } catch (error) {
    if (isNew)
      await store.takeBack(record).catch((failure: unknown) => {
        log.warn("a record without a message stays", { key: record.key, error: failure as Error });
      });
    throw error;
  }
}

/** @throws Problem when there is no such runtime, or it does not take the type */
export function checkRuntime(
  { settings }: Api,
  { runtime: name, type }: Pick<TaskRequest, "runtime" | "type">,
  typeField: string,
  runtimeField = "runtime",
): Runtime {
  const runtime = settings.RUNTIMES.find((known) => known.name === name);
  if (runtime === undefined) {
    const known = settings.RUNTIMES.map((one) => one.name).join(", ");
    throw new Problem("not-found", `There is no runtime ${JSON.stringify(name)}.`, [
      { field: runtimeField, value: name, allowed: known === "" ? "there are none" : known },
    ]);
  }
  if (!runtime.types.includes(type))
    throw invalid([
      { field: typeField, value: type, allowed: `${runtime.types.join(", ")} by ${name}` },
    ]);
  return runtime;
}

/**
 * @param path of the content in the request
 * @throws Problem naming what may not be fetched
 */
export function checkInputs(
  { inputs }: Api,
  runtime: Runtime,
  { type, content }: Pick<TaskRequest, "type" | "content">,
  path: readonly string[],
): void {
  const wrong = [
    ...wrongInputs(content, inputs, path),
    ...(isManaged(runtime) ? wrongManagedInputs(content as JsonObject, type, path.join(".")) : []),
  ];
  if (wrong.length > 0) throw invalid(wrong);
}

/** @throws Problem when it is too large for the table and the messages that it travels in */
export function checkContext(context: unknown, field: string): void {
  const bytes = context === undefined ? 0 : Buffer.byteLength(JSON.stringify(context));
  if (bytes > CONTEXT_BYTES)
    throw invalid([
      { field, allowed: `${CONTEXT_BYTES} bytes of JSON at most; these are ${bytes}` },
    ]);
}
