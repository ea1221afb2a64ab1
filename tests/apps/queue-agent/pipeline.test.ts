import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Ahead } from "../../../apps/queue-agent/ahead";
import { Pipeline, type Steps, type Timing } from "../../../apps/queue-agent/pipeline";

interface Work {
  readonly name: string;
  /** Turns of the event loop that each step takes. */
  readonly prepare: number;
  readonly run: number;
  readonly store: number;
  /** What the step before deals with itself. */
  readonly endsAt?: "prepare" | "claim" | "run" | undefined;
  /** Milliseconds that its run takes at least. */
  readonly runMs?: number;
  readonly isMovable?: boolean;
  readonly bytes?: number;
  readonly hasFailed?: boolean;
}

/** What is worked on at the moment, and in which order it began and ended. */
class Recorder implements Steps<Work, Work, Work, Work> {
  readonly events: string[] = [];
  readonly now = { prepare: 0, wait: 0, run: 0, store: 0 };
  readonly most = { prepare: 0, wait: 0, run: 0, store: 0, ahead: 0 };

  async prepare(work: Work): Promise<Work | undefined> {
    this.#enter("prepare", work);
    await turns(work.prepare);
    this.#leave("prepare", work);
    if (work.endsAt === "prepare") return undefined;
    this.#count("wait", 1);
    return work;
  }

  async claim(work: Work): Promise<Work | undefined> {
    this.events.push(`claim ${work.name}`);
    await turns(1);
    if (work.endsAt !== "claim") return work;
    this.#count("wait", -1);
    return undefined;
  }

  async run(work: Work, started: () => void): Promise<Work | undefined> {
    this.#count("wait", -1);
    this.#enter("run", work);
    await turns(1);
    started();
    await turns(work.run);
    if (work.runMs !== undefined) await new Promise((passed) => setTimeout(passed, work.runMs));
    this.#leave("run", work);
    return work.endsAt === "run" ? undefined : work;
  }

  async store(work: Work): Promise<void> {
    this.#enter("store", work);
    await turns(work.store);
    this.#leave("store", work);
  }

  async unclaim(work: Work): Promise<Work> {
    this.events.push(`unclaim ${work.name}`);
    await turns(1);
    return work;
  }

  hasRun({ hasFailed = false }: Work): boolean {
    return !hasFailed;
  }

  bytesOf({ bytes = 0 }: Work): number {
    return bytes;
  }

  isMovable({ isMovable = true }: Work): boolean {
    return isMovable;
  }

  async giveBack(work: Work): Promise<void> {
    this.#count("wait", -1);
    this.events.push(`give back ${work.name}`);
  }

  #enter(step: "prepare" | "run" | "store", { name }: Work): void {
    this.events.push(`${step} ${name}`);
    this.#count(step, 1);
  }

  #leave(step: "prepare" | "run" | "store", { name }: Work): void {
    this.events.push(`${step} ${name} ends`);
    this.#count(step, -1);
  }

  #count(step: keyof Recorder["now"], change: number): void {
    this.now[step] += change;
    this.most[step] = Math.max(this.most[step], this.now[step]);
    const { prepare, wait, run } = this.now;
    this.most.ahead = Math.max(this.most.ahead, prepare + wait + run);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
}

/** As the agent does. */
async function takeAll(recorder: Recorder, works: readonly Work[], timing?: Timing): Promise<void> {
  const pipeline = new Pipeline(recorder, new Ahead(), timing);
  for (const work of works) {
    await pipeline.wanted();
    await pipeline.take(work);
  }
  await pipeline.idle();
}

const someTurns = fc.integer({ min: 0, max: 6 });
const someWorks = fc
  .array(
    fc.record({
      prepare: someTurns,
      run: someTurns,
      store: someTurns,
      endsAt: fc.constantFrom(
        ...[undefined, undefined, undefined],
        ...(["prepare", "claim", "run"] as const),
      ),
    }),
    { maxLength: 12 },
  )
  .map((works) => works.map((work, index): Work => ({ name: String(index), ...work })));

describe("the pipeline", () => {
  it("prepares one, has one wait, and runs one at most, each in its order, and stores a few", () =>
    fc.assert(
      fc.asyncProperty(someWorks, async (works) => {
        const recorder = new Recorder();
        await takeAll(recorder, works);
        const { prepare, run, store, ahead } = recorder.most;
        assert.ok(prepare <= 1 && run <= 1 && store <= 4, JSON.stringify(recorder.most));
        // One has the runtime, if only to be claimed for it, and one is ahead.
        assert.ok(ahead <= 2, JSON.stringify(recorder.most));
        for (const step of ["prepare", "run", "store"]) {
          const order = recorder.events.filter((event) => event.startsWith(step));
          const inOrder = [...order].sort(
            (a, b) => Number.parseInt(a.split(" ")[1]!, 10) - Number.parseInt(b.split(" ")[1]!, 10),
          );
          if (step !== "store") assert.deepEqual(order, inOrder);
        }
        const stored = recorder.events.filter((event) => /^store \d+ ends$/.test(event)).length;
        assert.equal(stored, works.filter(({ endsAt }) => endsAt === undefined).length);
        assert.deepEqual(recorder.now, { prepare: 0, wait: 0, run: 0, store: 0 });
      }),
    ));

  it("prepares the next task while one runs, and stores that one while the next runs", async () => {
    const recorder = new Recorder();
    const work = { prepare: 1, run: 10, store: 5 };
    await takeAll(recorder, [
      // How long a run takes is not known before the first one has ended.
      { name: "first", ...work },
      { name: "a", ...work },
      { name: "b", ...work },
    ]);
    const at = (event: string) => recorder.events.indexOf(event);
    assert.ok(at("prepare b") < at("run a ends"), recorder.events.join());
    assert.ok(at("run b") < at("store a"), recorder.events.join());
    assert.ok(at("store a ends") < at("run b ends"), recorder.events.join());
  });

  for (const [results, bytes, third] of [
    ["large", 5 * 1024 * 1024, "after"],
    ["small", 1024, "before"],
  ] as const)
    it(`starts a third task ${third} the first one is stored, where results are ${results}`, async () => {
      const recorder = new Recorder();
      await takeAll(recorder, [
        { name: "a", prepare: 0, run: 1, store: 50, bytes },
        { name: "b", prepare: 0, run: 1, store: 1, bytes },
        { name: "c", prepare: 0, run: 1, store: 1, bytes },
      ]);
      const at = (event: string) => recorder.events.indexOf(event);
      assert.ok(at("run b ends") < at("store a ends"), recorder.events.join());
      assert.equal(at("run c") < at("store a ends"), third === "before", recorder.events.join());
    });

  it("told to stop, gives back what waits, ends what runs, and starts nothing more", async () => {
    const recorder = new Recorder();
    const pipeline = new Pipeline(recorder, new Ahead());
    const work = { prepare: 0, run: 20, store: 1 };
    await pipeline.take({ name: "a", ...work });
    const second = pipeline.take({ name: "b", ...work });
    await turns(3);
    pipeline.stop();
    await second;
    assert.deepEqual(recorder.now.run, 1);
    await pipeline.take({ name: "c", ...work });
    await pipeline.idle();
    assert.ok(recorder.events.includes("store a ends"));
    assert.deepEqual(
      recorder.events.filter((event) => event.startsWith("give back")),
      ["give back b", "give back c"],
    );
    assert.ok(!recorder.events.includes("run b"));
  });

  /** All is done as early, and waits as long, as can be. */
  const patient: Timing = {
    receiveAhead: 60_000,
    claimAhead: 60_000,
    longestClaim: 60_000,
    longestWait: 60_000,
  };
  const work = { prepare: 0, run: 0, store: 0 };
  const at = ({ events }: Recorder, event: string) => {
    assert.ok(events.includes(event), `${event}: ${events.join()}`);
    return events.indexOf(event);
  };

  it("does not receive a second task while the first of all runs, for that may take long", async () => {
    const recorder = new Recorder();
    await takeAll(recorder, [
      { name: "a", ...work, run: 20 },
      { name: "b", ...work },
    ]);
    assert.ok(at(recorder, "run a ends") < at(recorder, "prepare b"), recorder.events.join());
  });

  it("receives the next task near the expected end of a run, and claims it before that end", async () => {
    const recorder = new Recorder();
    const timing = { ...patient, receiveAhead: 60, claimAhead: 30 };
    const names = ["a", "b", "c"];
    await takeAll(
      recorder,
      names.map((name) => ({ name, ...work, runMs: 400 })),
      timing,
    );
    assert.ok(at(recorder, "run b") < at(recorder, "prepare c"), recorder.events.join());
    assert.ok(at(recorder, "claim c") < at(recorder, "run b ends"), recorder.events.join());
  });

  it("gives back what waits behind a run that takes longer than expected", async () => {
    const recorder = new Recorder();
    const timing = { ...patient, longestWait: 20 };
    await takeAll(
      recorder,
      [
        { name: "short", ...work },
        { name: "long", ...work, runMs: 300 },
        { name: "moved", ...work },
        { name: "last", ...work },
      ],
      timing,
    );
    const end = at(recorder, "run long ends");
    assert.ok(at(recorder, "give back moved") < end, recorder.events.join());
    assert.ok(!recorder.events.includes("run moved"));
    // It would only be given back, too.
    assert.ok(end < at(recorder, "prepare last"), recorder.events.join());
  });

  it("keeps what was given back before until the runtime is free", async () => {
    const recorder = new Recorder();
    const timing = { ...patient, claimAhead: 0, longestWait: 20 };
    await takeAll(
      recorder,
      [
        { name: "short", ...work },
        { name: "long", ...work, runMs: 200 },
        { name: "kept", ...work, isMovable: false },
      ],
      timing,
    );
    assert.ok(recorder.events.includes("run kept"), recorder.events.join());
  });

  it("does not keep a claim of what the runtime is not free for: it can be cancelled meanwhile", async () => {
    const recorder = new Recorder();
    const timing = { ...patient, longestClaim: 30 };
    await takeAll(
      recorder,
      [
        { name: "short", ...work },
        { name: "long", ...work, runMs: 300 },
        { name: "waits", ...work, isMovable: false },
      ],
      timing,
    );
    const claims = recorder.events.filter((event) => event === "claim waits");
    assert.equal(claims.length, 2, recorder.events.join());
    assert.ok(
      at(recorder, "unclaim waits") < at(recorder, "run long ends"),
      recorder.events.join(),
    );
    assert.ok(at(recorder, "store waits ends") > 0);
  });

  it("does not take what has failed for a run's length", async () => {
    const recorder = new Recorder();
    await takeAll(recorder, [
      { name: "failed", ...work, hasFailed: true },
      { name: "a", ...work, runMs: 50 },
      { name: "b", ...work },
    ]);
    assert.ok(at(recorder, "run a ends") < at(recorder, "prepare b"), recorder.events.join());
  });

  it("holds no inputs of what is being stored", async () => {
    const held: WeakRef<object>[] = [];
    let stored = () => {};
    const isStored = new Promise<void>((resolve) => {
      stored = resolve;
    });
    const pipeline = new Pipeline<number, { inputs: object }, { inputs: object }, number>(
      {
        prepare: async () => {
          const inputs = { bytes: Buffer.alloc(1024) };
          held.push(new WeakRef(inputs));
          return { inputs };
        },
        claim: async ({ inputs }) => ({ inputs }),
        unclaim: async ({ inputs }) => ({ inputs }),
        run: async (_, started) => {
          started();
          return 1;
        },
        hasRun: () => true,
        store: () => isStored,
        bytesOf: () => 0,
        isMovable: () => true,
        giveBack: async () => {},
      },
      new Ahead(),
    );
    for (let delivery = 0; delivery < 3; delivery++) await pipeline.take(delivery);
    // More than the claim of one that waits may take.
    await new Promise((passed) => setTimeout(passed, 1_500));
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")();
    assert.deepEqual(
      held.map((inputs) => inputs.deref()),
      [undefined, undefined, undefined],
    );
    stored();
    await pipeline.idle();
  });
});
