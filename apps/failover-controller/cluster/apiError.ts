/** The API server refused a request. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** HTTP status, e.g. 409. */
    readonly status: number,
    /** The server's word for it, e.g. `Conflict`, `NotFound`, `Forbidden`, `Expired`; or "". */
    readonly reason: string,
    /** The server's sentence. */
    message: string,
  ) {
    super(message);
  }

  /** From what the server sent with an HTTP status: a `Status` object, or anything else. */
  static of(status: number, body: string): ApiError {
    try {
      const { reason, message } = JSON.parse(body) as { reason?: unknown; message?: unknown };
      if (typeof message === "string")
        return new ApiError(status, typeof reason === "string" ? reason : "", message);
    } catch {
      // A proxy's page, or nothing.
    }
    return new ApiError(status, "", body.trim().slice(0, 200) || `HTTP status ${status}`);
  }
}

/**
 * A request got no answer: no connection, none in time, or half of one. Whether it took effect is
 * not known.
 */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Whether the server said that there is no such object. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Whether somebody else wrote in between, or owns a field. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** Whether the server no longer knows what happened since a resource version. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}
