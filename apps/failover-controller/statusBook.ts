import { setTimeout as pause } from "node:timers/promises";
import type { ModelStatus } from "../../contracts/failover";

/** What changes all the time without anything having happened. */
const newsless = new Set(["lastSeen", "ready", "desired", "pending", "pendingSince", "message"]);

/** How long such a change may wait. */
const everyMs = 10_000;

/**
 * What the cluster has been told of the models: at once when something has happened, otherwise every
 * ten seconds. One write at a time, so that an older one never comes last.
 */
export class StatusBook {
  readonly #write: (statuses: readonly ModelStatus[], timeoutMs: number) => Promise<void>;
  #written: { readonly text: string; readonly essence: string; readonly at: number } | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(write: (statuses: readonly ModelStatus[], timeoutMs: number) => Promise<void>) {
    this.#write = write;
  }

  /** Another may have written since. */
  forget(): void {
    this.#written = undefined;
  }

  /** When these are to be written at the latest; undefined: they are. */
  dueAt(statuses: readonly ModelStatus[]): number | undefined {
    const written = this.#written;
    if (written === undefined || essenceOf(statuses) !== written.essence)
      return Number.NEGATIVE_INFINITY;
    return JSON.stringify(statuses) === written.text ? undefined : written.at + everyMs;
  }

  /** Writes them if they are due. Rejects as the write does. */
  async keep(statuses: readonly ModelStatus[], now: number, timeoutMs: number): Promise<void> {
    await Promise.race([this.#writing, pause(timeoutMs, undefined, { ref: false })]);
    if ((this.dueAt(statuses) ?? Number.POSITIVE_INFINITY) > now) return;
    const writing = this.#write(statuses, timeoutMs);
    this.#writing = writing.catch(() => {});
    await writing;
    const text = JSON.stringify(statuses);
    this.#written = { text, essence: essenceOf(statuses), at: now };
  }
}

function essenceOf(statuses: readonly ModelStatus[]): string {
  return JSON.stringify(statuses, (key, value) => (newsless.has(key) ? undefined : value));
}
