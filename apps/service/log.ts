import {
  type DestinationStream,
  destination,
  type Logger,
  pino,
  stdSerializers,
  stdTimeFunctions,
} from "pino";

/** What an app says: one JSON object a line, for machines first. */
export type Log = Logger;

/** From the most to the least talkative. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type LogLevel = (typeof logLevels)[number];

/**
 * A log on standard output. Each line has `time` (ISO 8601, UTC), `level` as a word, `message`, and
 * the bindings. `log.error({ error }, "…")` writes an error with its stack and its causes.
 *
 * @param bindings what every line has, e.g. `{ app: "failover-controller" }`
 * @param stream for tests. Default: standard output, written at once, so that the last line before
 * an exit is not lost
 */
export function createLog(
  level: LogLevel,
  bindings: Readonly<Record<string, unknown>> = {},
  stream: DestinationStream = destination({ dest: 1, sync: true }),
): Log {
  return pino(
    {
      level,
      base: { ...bindings },
      messageKey: "message",
      errorKey: "error",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    stream,
  );
}
