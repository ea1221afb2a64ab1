import type { Metrics } from "@aws-lambda-powertools/metrics";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import { problemAnswer } from "./answer";
import type { Api } from "./api";
import { type Deadline, deadlineOf } from "./deadline";
import { publishMetrics } from "./metrics";
import { Problem } from "./problem";
import { MethodNotAllowed, routeOf } from "./routes";
import { problemText } from "./v1alpha2";

export type Handler = (
  event: APIGatewayProxyEvent,
  context: Context,
) => Promise<APIGatewayProxyResult>;

/** A task that a request has submitted, as all versions answer. */
export interface SubmittedTask {
  readonly id: string;
  readonly runtime: string;
}

/**
 * Answers requests, and logs and counts each. It never throws, and ends before its invocation does:
 * API Gateway would say 502.
 */
export function createHandler(apiUntil: (deadline: Deadline) => Api, metrics: Metrics): Handler {
  return async (event, context) => {
    const began = performance.now();
    const api = apiUntil(deadlineOf(context));
    const { result, path, problem } = await answer(api, event);
    const submitted =
      problem === undefined && (path === "/v1/tasks" || path === "/v1alpha2")
        ? (JSON.parse(result.body) as SubmittedTask)
        : undefined;
    const line = {
      requestId: context.awsRequestId,
      method: event.httpMethod,
      path,
      status: result.statusCode,
      ms: Math.round(performance.now() - began),
      ...(submitted !== undefined && { task: submitted.id, runtime: submitted.runtime }),
    };
    if (problem === undefined) api.log.info("answered", line);
    else if (problem.status < 500) {
      const fields = problem.fields.map(({ field }) => field);
      api.log.info("refused", { ...line, code: problem.code, fields });
    } else api.log.error("failed", { ...line, error: problem });
    publishMetrics(metrics, api.settings.STACK, result.statusCode, submitted);
    return result;
  };
}

interface Answered {
  readonly result: APIGatewayProxyResult;
  /** The route's; of an unknown one, nothing of the client's. */
  readonly path: string;
  /** With a 4xx or 5xx. */
  readonly problem?: Problem;
}

async function answer(api: Api, event: APIGatewayProxyEvent): Promise<Answered> {
  let path = "none";
  try {
    const route = routeOf(event);
    path = route.path;
    return { path, result: await route.answer(api) };
  } catch (error) {
    const problem =
      error instanceof Problem
        ? error
        : new Problem("internal", "A bug; the log knows more.", [], { cause: error });
    return { path, result: refusal(path, problem), problem };
  }
}

function refusal(path: string, problem: Problem): APIGatewayProxyResult {
  if (problem instanceof MethodNotAllowed) return problemAnswer(problem, { Allow: problem.allow });
  return path === "/v1alpha2" ? problemText(problem) : problemAnswer(problem);
}
