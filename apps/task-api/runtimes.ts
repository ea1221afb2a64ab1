import type { APIGatewayProxyResult } from "aws-lambda";
import { jsonAnswer } from "./answer";
import type { Api } from "./api";

/** `GET /v1/runtimes`. */
export async function listRuntimes({ settings }: Api): Promise<APIGatewayProxyResult> {
  return jsonAnswer(200, { runtimes: settings.RUNTIMES });
}
