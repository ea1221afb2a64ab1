/** Why a request had no answer. */
export interface NetworkProblem {
  /** E.g. `ECONNREFUSED`. */
  readonly text: string;
  /** It will not be better the next time. */
  readonly isPermanent: boolean;
}

const permanent = ["ENOTFOUND", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT"];

/** What `fetch` failed by; nothing when it was not the network. */
export function networkProblem(error: unknown): NetworkProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "TimeoutError") return { text: "no answer in time", isPermanent: false };
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  if (!(error instanceof TypeError) || cause === undefined) return undefined;
  const { code = "" } = cause;
  // Node's own messages have the code in them.
  const parts = cause.message.includes(code) ? [cause.message] : [code, cause.message];
  const text = parts.filter((part) => part !== "").join(", ");
  return { text: text || error.message, isPermanent: permanent.includes(code) };
}
