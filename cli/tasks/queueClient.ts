import { SQSClient } from "@aws-sdk/client-sqs";
import { UserError } from "../../contracts/userError";

/**
 * For the queues of a stack; where they are, the environment says as to any AWS SDK.
 *
 * @throws UserError when the API is on this machine and the queues would be AWS's
 */
export function queueClient(
  region: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SQSClient {
  const { FLEET_API_URL: api, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS } = environment;
  if (isLoopback(api) && !AWS_ENDPOINT_URL && !AWS_ENDPOINT_URL_SQS)
    throw new UserError(
      `FLEET_API_URL is ${api}, of this machine, and AWS_ENDPOINT_URL is not set: the queue would be ` +
        "AWS's own. Copy the demo's second export line, too, or unset FLEET_API_URL.",
    );
  return new SQSClient({ region });
}

function isLoopback(url: string | undefined): boolean {
  if (url === undefined || !URL.canParse(url)) return false;
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
}
