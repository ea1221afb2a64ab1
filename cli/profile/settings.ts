import { readFileSync } from "node:fs";
import { UserError } from "../../contracts/userError";
import type { LoadLimits } from "../../fleet/breakingPoint";
import { userPath } from "../tasks/download";
import type { ImageRequest } from "./imageRequest";
import type { Ramp } from "./nextStep";

/** What the command line says, as texts. */
export interface ProfileOptions {
  readonly url: string;
  readonly objective: string;
  readonly maxUtilisation: string;
  readonly unit?: string;
  readonly stack: string;
  readonly prompt: string;
  readonly size?: string;
  readonly steps?: string;
  readonly apiKeyFile?: string;
  readonly startRate: string;
  readonly growth: string;
  readonly stepSeconds: string;
  readonly maxRate: string;
  readonly maxRequests: string;
  readonly out?: string;
  readonly svg?: string;
  readonly json: boolean;
  readonly apply: boolean;
}

/** How a server is loaded, and by what it is judged. */
export interface ProfileSettings extends LoadLimits, Ramp {
  /** Without `/v1`, and without a slash at the end. */
  readonly url: string;
  /** Name and port, without anything that may be secret. */
  readonly host: string;
  readonly image: ImageRequest;
  readonly apiKey?: string;
  readonly stepSeconds: number;
  readonly maxRequests: number;
}

/**
 * @throws UserError for the first option that is wrong, with its value and what is allowed
 */
export function settingsOf(options: ProfileOptions): ProfileSettings {
  const { prompt, size } = options;
  if (options.apply && options.unit === undefined)
    throw new UserError("--apply: say with --unit NAME which unit's measurement it is.");
  const startRate = number("--start-rate", options.startRate, { above: 0, most: 10_000 });
  const maxRate = number("--max-rate", options.maxRate, { above: 0, most: 10_000 });
  if (maxRate < startRate)
    throw new UserError(
      `--max-rate ${options.maxRate}: allowed: --start-rate, ${startRate}, or more.`,
    );
  if (prompt.length < 1 || prompt.length > 4000)
    throw new UserError(`--prompt: it has ${prompt.length} characters; allowed: 1 to 4000.`);
  if (size !== undefined && !/^([1-9]\d{0,4}x[1-9]\d{0,4}|auto)$/.test(size))
    throw new UserError(`--size ${size}: allowed: WIDTHxHEIGHT, e.g. 512x512, or auto.`);
  const steps =
    options.steps === undefined ? undefined : wholeNumber("--steps", options.steps, 1000);
  const apiKey = options.apiKeyFile === undefined ? undefined : keyIn(options.apiKeyFile);
  return {
    ...addressOf(options.url),
    image: { prompt, ...(size !== undefined && { size }), ...(steps !== undefined && { steps }) },
    ...(apiKey !== undefined && { apiKey }),
    objectiveSeconds: duration("--objective", options.objective),
    maxUtilisation: percentage("--max-utilisation", options.maxUtilisation),
    startRate,
    growth: number("--growth", options.growth, { above: 1, most: 10 }),
    maxRate,
    stepSeconds: number("--step-seconds", options.stepSeconds, { above: 0, most: 3600 }),
    maxRequests: wholeNumber("--max-requests", options.maxRequests, 1_000_000),
  };
}

/** Also the base URL that OpenAI's clients want, with `/v1`. */
function addressOf(text: string): { url: string; host: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isServer =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === "");
  if (!isServer)
    throw new UserError(
      `--url ${withoutSecrets(text)}: allowed: the address of a server, http:// or https://, without user and query, ` +
        "e.g. http://localhost:8000",
    );
  const path = url.pathname.replace(/\/+$/, "").replace(/\/v1(\/images\/generations)?$/, "");
  return { url: url.origin + path, host: url.host };
}

/** A name and a password, or a query, are not for a log. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/@]*@/, "//…@").replace(/[?#].*$/s, "?…");
}

function duration(option: string, text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  const seconds = Number(amount) / (unit === "ms" ? 1000 : 1);
  if (unit !== undefined && seconds >= 0.001 && seconds <= 600) return seconds;
  throw new UserError(
    `${option} ${text}: allowed: a duration from 1ms to 600s, e.g. 900ms or 1.2s.`,
  );
}

/** As a ratio, 0 to 1. */
function percentage(option: string, text: string): number {
  const [, amount] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  const percent = Number(amount);
  if (percent > 0 && percent <= 100) return percent / 100;
  throw new UserError(`${option} ${text}: allowed: a percentage, above 0% up to 100%, e.g. 80%.`);
}

function number(
  option: string,
  text: string,
  { above, most }: { readonly above: number; readonly most: number },
): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > above && value <= most) return value;
  throw new UserError(`${option} ${text}: allowed: a number above ${above}, up to ${most}.`);
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= most) return value;
  throw new UserError(`${option} ${text}: allowed: a whole number from 1 to ${most}.`);
}

function keyIn(file: string): string {
  let key: string;
  try {
    key = readFileSync(userPath(file), "utf8").trim();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(`--api-key-file ${file}: it cannot be read: ${code ?? message}.`);
  }
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new UserError(
    `--api-key-file ${file}: allowed: a file with one key in it, and nothing else.`,
  );
}
