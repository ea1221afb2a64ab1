import type { APIGatewayProxyResult } from "aws-lambda";
import type { ProblemBody } from "../../contracts/tasks/api";
import type { Problem } from "./problem";

/** Seconds after which a client may ask again what could not be done. */
const RETRY_AFTER_SECONDS = 5;

type Headers = Readonly<Record<string, string>>;

export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Headers = {},
): APIGatewayProxyResult {
  return answer(status, "application/json", `${JSON.stringify(body)}\n`, headers);
}

export function textAnswer(
  status: number,
  text: string,
  headers: Headers = {},
): APIGatewayProxyResult {
  return answer(status, "text/plain; charset=utf-8", text, headers);
}

export function problemAnswer(problem: Problem, headers: Headers = {}): APIGatewayProxyResult {
  const { code, message, fields } = problem;
  const body: ProblemBody = { error: { code, message, fields: [...fields] } };
  return jsonAnswer(problem.status, body, { ...retryHeaders(problem), ...headers });
}

export function retryHeaders({ code }: Problem): Headers {
  return code === "unavailable" ? { "Retry-After": String(RETRY_AFTER_SECONDS) } : {};
}

function answer(
  statusCode: number,
  contentType: string,
  body: string,
  headers: Headers,
): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { "Content-Type": contentType, "Cache-Control": "no-store", ...headers },
    body,
  };
}
