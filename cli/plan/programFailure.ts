interface Waiting {
  readonly name: string;
  readonly waitsFor: readonly string[];
}

/** The program could not be run to its end: a bug in it, not something its user did. */
export class ProgramFailure extends Error {
  override readonly name = "ProgramFailure";

  /**
   * @param causes  what was thrown
   * @param waiting resources that were constructed but never registered
   */
  constructor(
    readonly causes: readonly unknown[],
    waiting: readonly Waiting[] = [],
  ) {
    super([...causes.map(messageOf), ...(causes.length > 0 ? [] : hang(waiting))].join("\n"));
  }
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack?.includes("\n    at ") ? cause.stack : `${cause.name}: ${cause.message}`;
}

function hang(waiting: readonly Waiting[]): string[] {
  const cycle = findCycle(waiting);
  if (cycle !== undefined)
    return [`the program never ends: these resources wait for each other: ${cycle.join(" → ")}`];
  return [
    "the program never ends: something that it waits for never happens",
    ...waiting.map(({ name }) => `  never registered: ${name}`),
  ];
}

function findCycle(waiting: readonly Waiting[]): string[] | undefined {
  const edges = new Map(waiting.map(({ name, waitsFor }) => [name, waitsFor]));
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    if (done.has(name)) return undefined;
    done.add(name);
    for (const next of edges.get(name) ?? []) {
      const cycle = visit(next, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  for (const { name } of waiting) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
