import { randomBytes } from "node:crypto";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { ProblemField, SubmittedV1Alpha2 } from "../../contracts/tasks/api";
import { outputLocation, taskRequestV1Alpha2Schema } from "../../contracts/tasks/task";
import { jsonAnswer, retryHeaders, textAnswer } from "./answer";
import type { Api } from "./api";
import { AwsUnavailable } from "./awsCall";
import { type Problem, valid } from "./problem";
import { readJson } from "./requestBody";
import { checkContext, checkInputs, checkRuntime, newTask, type Submission, tell } from "./submit";

/**
 * `POST /v1alpha2`, as the guidance's clients know it: status 200 with three fields, errors as
 * text. An id may be used again; the task then is a run of its own, with a folder of its own.
 */
export async function submitV1Alpha2(
  api: Api,
  event: APIGatewayProxyEvent,
): Promise<APIGatewayProxyResult> {
  const { metadata, content } = valid(taskRequestV1Alpha2Schema, readJson(event)).task;
  const { id, runtime, tasktype: type, prefix, context } = metadata;
  const found = checkRuntime(
    api,
    { runtime, type },
    "task.metadata.tasktype",
    "task.metadata.runtime",
  );
  checkContext(context, "task.metadata.context");
  checkInputs(api, found, { type, content }, ["task", "content"]);

  const task = await added(api, {
    id,
    runtime,
    type,
    prefix,
    ...(context !== undefined && { context }),
    content,
  });
  const { record } = task;
  await tell(api, event, task, {
    runtime: found,
    record: { ...record, isNew: true },
    path: "task.content",
  });
  const answer: SubmittedV1Alpha2 = {
    id,
    runtime,
    output_location: outputLocation(api.settings.RESULTS_BUCKET, record),
  };
  return jsonAnswer(200, answer);
}

/** The task with a record of its own: by its id, or by id and run where that is taken. */
async function added(api: Api, submission: Submission) {
  const first = newTask(api, submission);
  if ((await api.store.add(first.record)).isDone) return first;
  const again = newTask(api, submission, randomBytes(4).toString("hex"));
  if ((await api.store.add(again.record)).isDone) return again;
  throw new AwsUnavailable("DynamoDB PutItem", new Error("a random run is taken already"));
}

/** An error as the guidance puts it, and then what is wrong where. */
export function problemText(problem: Problem): APIGatewayProxyResult {
  const details = problem.fields.map(
    ({ field, value, allowed }) =>
      `${field}${value === undefined ? "" : ` is ${JSON.stringify(value)}`}: ${allowed}`,
  );
  const text = [headline(problem), ...details].join("\n");
  return textAnswer(problem.status, `${text}\n`, retryHeaders(problem));
}

function headline({ code, message, fields: [first] }: Problem): string {
  if (code !== "invalid" && code !== "not-found") return message;
  if (first === undefined || first.field === "body" || first.field === "task")
    return "Invalid request format";
  return `Incorrect payload structure, ${guidancePhrase(first)}`;
}

function guidancePhrase({ field, allowed }: ProblemField): string {
  const name = field.replace(/^task\.(metadata\.)?/, "");
  if (allowed.endsWith("it is missing")) return `${name} is missing`;
  if (name === "id" || name === "runtime") return `invalid ${name} format`;
  return `invalid ${name}`;
}
