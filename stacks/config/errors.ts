import { RunError } from "@pulumi/pulumi";

/** One thing that is wrong with a config. */
export interface Problem {
  /** Where, as a path below `diffusion-fleet:`, e.g. `units.sd21-inf2-neuron.replicas.max`. */
  readonly key: string;
  /** What stands there; `undefined` where something is missing. */
  readonly value: unknown;
  /** What may stand there, as the end of a sentence. */
  readonly allowed: string;
  /** The nearest known key or value, when something looks misspelt. */
  readonly nearest?: string;
  /** Other keys that this judgement rests on: it is void when one of them is itself wrong. */
  readonly reads?: readonly string[];
}

const PROJECT = "diffusion-fleet";

/**
 * A config that cannot be built from, with everything that is wrong in it at once. Of a `RunError`
 * Pulumi prints the message alone, without a stack.
 */
export class ConfigError extends RunError {
  override readonly name = "ConfigError";

  constructor(readonly problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`The config has ${count}:`, ...problems.map((it) => `  ${sentence(it)}`)].join("\n"));
  }
}

function sentence({ key, value, allowed, nearest }: Problem): string {
  const place = /^[a-z-]+:/.test(key) ? key : `${PROJECT}:${key}`;
  const found = value === undefined ? "is missing" : `is ${show(value)}`;
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  return `${place} ${found}; allowed: ${allowed}.${hint}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  if (text.length <= 80) return text;
  const isListOfObjects = Array.isArray(value) && typeof value[0] === "object";
  return isListOfObjects ? `a list of ${value.length}` : `${text.slice(0, 77)}…`;
}
