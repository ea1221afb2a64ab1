import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import { TASK_API } from "../../contracts/tasks/settings";

/** Most bytes that API Gateway takes. Source: API Gateway developer guide, "Quotas", "Payload size". */
export const GATEWAY_BYTES = 10 * 1024 * 1024;

/** API Gateway's own answer to more. */
export const tooLarge: APIGatewayProxyResult = {
  statusCode: 413,
  headers: { "Content-Type": "application/json" },
  body: '{"message":"Request Too Long"}',
};

/** API Gateway's own answer when the function has not answered in its time, and was ended. */
export const timedOut: APIGatewayProxyResult = {
  statusCode: 502,
  headers: { "Content-Type": "application/json" },
  body: '{"message":"Internal server error"}',
};

/**
 * An HTTP request as API Gateway hands it to a function, as far as the function looks at it: behind
 * a catch-all resource, so that paths are told apart by the function.
 *
 * @param stage first part of the paths; absent: they have none
 * @returns undefined for a path outside of the stage
 */
export function eventOf(
  { method = "GET", url = "/", rawHeaders, headers }: IncomingMessage,
  body: string,
  stage?: string,
): APIGatewayProxyEvent | undefined {
  const [whole = "/"] = url.split("?");
  const root = stage === undefined ? "" : `/${stage}`;
  if (!`${whole}/`.startsWith(`${root}/`)) return undefined;
  const path = whole.slice(root.length) || "/";
  const single: Record<string, string> = {};
  const multiple: Record<string, string[]> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] as string, rawHeaders[at + 1] as string];
    single[name] = value;
    multiple[name] = [...(multiple[name] ?? []), value];
  }
  return {
    resource: "/{proxy+}",
    path,
    httpMethod: method,
    headers: single,
    multiValueHeaders: multiple,
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    body: body === "" ? null : body,
    isBase64Encoded: false,
    requestContext: {
      path: whole,
      stage: stage ?? "",
      httpMethod: method,
      requestId: randomUUID(),
      domainName: headers.host,
    } as APIGatewayProxyEvent["requestContext"],
  };
}

/** What Lambda tells a function of an invocation that begins, as far as the function looks at it. */
export function contextOf(timeoutMs: number): Context {
  const endsAt = performance.now() + timeoutMs;
  return {
    awsRequestId: randomUUID(),
    functionName: TASK_API,
    getRemainingTimeInMillis: () => endsAt - performance.now(),
  } as Context;
}
