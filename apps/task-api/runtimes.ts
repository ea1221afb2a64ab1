import type { APIGatewayProxyResult } from "aws-lambda";
import type { Runtime, RuntimeView } from "../../contracts/tasks/runtimes";
import { jsonAnswer } from "./answer";
import type { Api } from "./api";

/** `GET /v1/runtimes`. */
export async function listRuntimes({ settings }: Api): Promise<APIGatewayProxyResult> {
  return jsonAnswer(200, { runtimes: settings.RUNTIMES.map(viewOf) });
}

/** Where a managed one is, and what it runs, is the stack's own business. */
function viewOf({ endpoint: _at, revision: _of, maxAttempts: _up, ...view }: Runtime): RuntimeView {
  return view;
}
