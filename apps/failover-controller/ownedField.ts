import { covers } from "./covers";

/** What is known of a field: its value, and the object that has it, with its generation. */
export interface Live<Value> {
  readonly uid: string;
  readonly value: Value;
  readonly generation: number;
}

export type Outcome =
  /** It is as wanted. */
  | "kept"
  /** It was written. */
  | "written"
  /** Somebody else wrote it again, and it is too early to write it back. */
  | "deferred";

const second = 1000;
const longestWaitMs = 60 * second;
/** Another writer that has been quiet for so long is forgotten. */
const forgetsMs = 300 * second;

/**
 * One field of one object that the controller owns. It is written when it differs from what is
 * wanted; when somebody else writes it, too, it is written back at once, then after 1 s, 2 s, 4 s …
 * 60 s, so that two writers do not chase each other.
 */
export class OwnedField<Value> {
  readonly #write: (value: Value) => Promise<number>;
  #written: Live<Value> | undefined;
  #overwrites = 0;
  #overwrittenAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;

  /** @param write writes a value and gives the object's generation */
  constructor(write: (value: Value) => Promise<number>) {
    this.#write = write;
  }

  /** When it may be written back at the earliest. */
  get notBefore(): number {
    return this.#notBefore;
  }

  /** Times that somebody else has written it lately. */
  get overwrites(): number {
    return this.#overwrites;
  }

  /** Rejects as `write` does. */
  async ensure(live: Live<Value>, wanted: Value, now: number): Promise<Outcome> {
    // An object that was made anew has its generations anew.
    const written = this.#written?.uid === live.uid ? this.#written : undefined;
    // What the watch shows may be older than what was written.
    const present = written !== undefined && live.generation < written.generation ? written : live;
    // Once at least, to own it, whoever wrote what it is.
    if (written !== undefined && covers(present.value, wanted)) return "kept";
    // A new decision is not held up by whoever else writes.
    const isOverwritten =
      written !== undefined && present === live && covers(written.value, wanted);
    if (isOverwritten && now < this.#notBefore) return "deferred";
    if (isOverwritten) this.#count(now);
    const generation = await this.#write(wanted);
    this.#written = { uid: live.uid, value: wanted, generation };
    return "written";
  }

  #count(now: number): void {
    if (now - this.#overwrittenAt > forgetsMs) this.#overwrites = 0;
    const waitMs = Math.min(longestWaitMs, second * 2 ** this.#overwrites);
    this.#overwrites += 1;
    this.#overwrittenAt = now;
    this.#notBefore = now + waitMs;
  }
}
