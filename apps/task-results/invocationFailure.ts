import { DEAD_LETTER_REASON_LENGTH } from "../../contracts/tasks/message";
import { type FailureCode, failureCodes, type TaskFailure } from "../../contracts/tasks/record";
import { errorMessage } from "../queue-agent/adapters/errorMessage";

/** The reason of an invocation that SageMaker gives none of: the sweep's. */
export const SILENCE = "SageMaker has told nothing of it";

/**
 * What a failed invocation is to a task.
 *
 * Source: SageMaker says the container's status in parentheses, "ClientError: Received server error
 * (500) from model. See the SageMaker Endpoint logs in your account for more information."
 *
 * @param failureReason as SageMaker says it
 * @param answer what the container said, where that is known
 * @param requestTtlSeconds that SageMaker keeps a request that waits
 */
export function invocationFailure(
  failureReason: string,
  answer: string | undefined,
  { at, requestTtlSeconds }: { readonly at: string; readonly requestTtlSeconds: number },
): TaskFailure {
  const hours = Number((requestTtlSeconds / 3600).toFixed(2));
  const said = isExpiry(failureReason)
    ? `no instance took the request within the ${hours} h that it may wait`
    : answer === undefined
      ? ""
      : errorMessage(answer);
  const message = said === "" ? failureReason : `${said} (${failureReason})`;
  return { code: codeOf(failureReason), message: message.slice(0, DEAD_LETTER_REASON_LENGTH), at };
}

function statusOf(reason: string): number {
  return Number(/error \((\d{3})\)/.exec(reason)?.[1]);
}

/**
 * Whether the request has waited for too long. Nobody has published SageMaker's words for it; those
 * of a token that has expired, which another attempt renews, are AWS's.
 */
function isExpiry(reason: string): boolean {
  const saysSo = /expired?\b/i.test(reason) || reason.includes("TTL");
  return saysSo && Number.isNaN(statusOf(reason)) && !/token|credential/i.test(reason);
}

function codeOf(reason: string): FailureCode {
  if (reason === SILENCE) return "lost";
  const status = statusOf(reason);
  if (status === 429 || status === 503) return "busy";
  if (status >= 400 && status < 500) return "refused";
  // The runtime's longest is over: another attempt takes as long.
  if (Number.isNaN(status) && /timed?[ -]?out/i.test(reason)) return "timeout";
  // Another attempt waits behind all that came meanwhile.
  if (isExpiry(reason)) return "timeout";
  return "runtime";
}

/** Whether there is another invocation. */
export function isRetried(
  code: FailureCode,
  { attempts, maxAttempts }: { readonly attempts: number; readonly maxAttempts: number },
): boolean {
  return failureCodes[code].retryable && attempts < maxAttempts;
}
