import { runtime } from "@pulumi/pulumi";

/** Texts that JavaScript and Pulumi make of a value that was not a text. */
const MISTAKES: readonly { readonly pattern: RegExp; readonly meaning: string }[] = [
  { pattern: /\bundefined\b/, meaning: "a missing value became the text `undefined`" },
  { pattern: /\bNaN\b/, meaning: "a failed calculation became the text `NaN`" },
  { pattern: /\[object [A-Z]\w*\]/, meaning: "an object became a text" },
  { pattern: /Calling \[to(String|JSON)\] on an \[Output/, meaning: "an Output became a text" },
  { pattern: new RegExp(runtime.unknownValue), meaning: "an unknown value became part of a text" },
  { pattern: new RegExp(runtime.specialSigKey), meaning: "a marked value became part of a text" },
];

/** What in a resource's inputs can only be a mistake of the program, one line each. */
export function hiddenMistakes(urn: string, inputs: unknown): string[] {
  return [...mistakesIn(inputs, "")].map(
    ({ path, meaning, found }) => `${urn}: ${path.replace(/^\./, "")}: ${meaning}: ${found}`,
  );
}

interface Mistake {
  readonly path: string;
  readonly meaning: string;
  readonly found: string;
}

function* mistakesIn(value: unknown, path: string): Generator<Mistake> {
  if (typeof value === "number" && !Number.isFinite(value))
    yield { path, meaning: "not a number that JSON has", found: String(value) };
  if (typeof value === "string") {
    for (const { pattern, meaning } of MISTAKES) {
      const at = value.search(pattern);
      if (at >= 0)
        yield { path, meaning, found: `…${value.slice(Math.max(0, at - 30), at + 40)}…` };
    }
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    yield* mistakesIn(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
}
