/** A line that the program wrote while it ran. */
export interface LogLine {
  readonly level: "info" | "warning" | "error";
  readonly message: string;
}

const LEVELS = { log: "info", info: "info", warn: "warning", error: "error" } as const;

/**
 * Collects what the program prints: Pulumi's SDK writes its log to the console when no engine
 * listens, and a plan's stdout belongs to the plan.
 */
export class ProgramLog {
  readonly lines: LogLine[] = [];
  readonly #originals = new Map<keyof typeof LEVELS, typeof console.log>();

  start(): void {
    for (const [method, level] of Object.entries(LEVELS) as [
      keyof typeof LEVELS,
      LogLine["level"],
    ][]) {
      this.#originals.set(method, console[method]);
      console[method] = (...parts: unknown[]) => {
        const message = parts.map(String).join(" ");
        this.lines.push({ level, message: message.replace(/^\w+: \[runtime\] /, "") });
      };
    }
  }

  stop(): void {
    for (const [method, original] of this.#originals) console[method] = original;
    this.#originals.clear();
  }
}
