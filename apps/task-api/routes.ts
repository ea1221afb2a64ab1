import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { Api } from "./api";
import { cancel } from "./cancel";
import { invalid, Problem } from "./problem";
import { saysJson } from "./requestBody";
import { listRuntimes } from "./runtimes";
import { submit } from "./submit";
import { createUpload } from "./uploads";
import { submitV1Alpha2 } from "./v1alpha2";
import { view } from "./view";

type Operation = (
  api: Api,
  event: APIGatewayProxyEvent,
  id: string,
) => Promise<APIGatewayProxyResult>;

/**
 * The API's operations by path and method. A table of its own rather than Powertools' router, which
 * answers a wrong method with 404, throws at a GET with a body, and copies each body twice.
 */
const routes: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  "/v1/tasks": { POST: json(submit) },
  "/v1/tasks/{id}": { GET: byId(view), DELETE: byId(cancel) },
  "/v1/uploads": { POST: json(createUpload) },
  "/v1/runtimes": { GET: listRuntimes },
  // The guidance's function does not look at the content type.
  "/v1alpha2": { POST: submitV1Alpha2 },
};

/** The paths, with `{id}` where a task's id is. */
export const paths = Object.keys(routes);

/** What a request asks for. */
export interface Route {
  /** One of `paths`. */
  readonly path: string;
  answer(api: Api): Promise<APIGatewayProxyResult>;
}

/** @throws Problem that says what there is, when there is no such path or method */
export function routeOf(event: APIGatewayProxyEvent): Route {
  const found = find(event);
  if (found === undefined)
    throw new Problem("not-found", "There is nothing at this path.", [
      { field: "path", value: event.path.slice(0, 200), allowed: paths.join(", ") },
    ]);
  const { path, id } = found;
  const operations = routes[path] as Readonly<Record<string, Operation>>;
  const { [event.httpMethod]: operation } = operations;
  if (operation === undefined) throw new MethodNotAllowed(event.httpMethod, operations);
  return { path, answer: (api) => operation(api, event, id) };
}

export class MethodNotAllowed extends Problem {
  /** For the header `Allow`. */
  readonly allow: string;

  constructor(method: string, operations: object) {
    const allow = Object.keys(operations).join(", ");
    super("method-not-allowed", "The path does not have this method.", [
      { field: "method", value: method, allowed: allow },
    ]);
    this.allow = allow;
  }
}

/** By the resource that API Gateway has found; behind a catch-all one, by the path. */
function find({ resource, path, pathParameters }: APIGatewayProxyEvent) {
  if (Object.hasOwn(routes, resource)) return { path: resource, id: pathParameters?.id ?? "" };
  const plain = path.replace(/\/+$/, "");
  if (Object.hasOwn(routes, plain) && !plain.includes("{")) return { path: plain, id: "" };
  const [, id] = /^\/v1\/tasks\/([^/]+)$/.exec(plain) ?? [];
  return id === undefined ? undefined : { path: "/v1/tasks/{id}", id: decoded(id) };
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function json(operation: Operation): Operation {
  return (api, event, id) => {
    if (!saysJson(event))
      throw new Problem("unsupported-media-type", "The body has to be JSON, and to say so.", [
        { field: "Content-Type", allowed: "application/json" },
      ]);
    return operation(api, event, id);
  };
}

function byId(operation: Operation): Operation {
  return (api, event, id) => {
    if (!/^[A-Za-z0-9_-]{1,64}(~[0-9a-f]{8})?$/.test(id))
      throw invalid([
        {
          field: "id",
          value: id.slice(0, 200),
          allowed: "1 to 64 letters, digits, - and _; after them ~RUN, where there is one",
        },
      ]);
    return operation(api, event, id);
  };
}
