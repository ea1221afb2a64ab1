import { isDeepStrictEqual } from "node:util";
import type { Log } from "../../service/log";
import type { CallOptions, KubeApi } from "./api";
import { isConflict, isNotFound } from "./apiError";
import { type Lease, type LeaseSpec, microTime } from "./lease";
import { pause } from "./pause";

/** As client-go has them (tools/leaderelection): who does not renew for 15 s is taken for dead. */
const LEASE_DURATION_SECONDS = 15;
/** The leader gives up after so long: 5 s before others may lead, the deadline of a request. */
const RENEW_DEADLINE_SECONDS = 10;
const RETRY_PERIOD_SECONDS = 2;
/** A candidate waits up to so much longer, as a share, so that two do not always collide. */
const JITTER = 0.2;

export interface LeaderElectionOptions {
  /** Of the Lease, e.g. `/apis/coordination.k8s.io/v1/namespaces/a/leases/b`. It has to exist. */
  readonly path: string;
  /** Unlike any other candidate's, also that of the same pod's container before a restart. */
  readonly identity: string;
  /** How long others wait for a leader that is silent. Whole seconds. Default: 15 */
  readonly leaseDurationSeconds?: number;
  /** How long a leader acts on without a renewal. Default: 10; less than the lease's duration */
  readonly renewDeadlineSeconds?: number;
  /** Between two looks at the Lease. Default: 2; less than the renewal's deadline */
  readonly retryPeriodSeconds?: number;
  /**
   * This one leads from now on.
   *
   * @param term aborted when it no longer does; to be given to whatever is done as the leader
   */
  readonly onStartedLeading: (term: AbortSignal) => void | Promise<void>;
  /**
   * This one leads no longer, and must do nothing more as the leader. When it stops of its own
   * accord, the Lease is let go after this has resolved; nor is it taken again before.
   */
  readonly onStoppedLeading: (why: string) => void | Promise<void>;
  /** Somebody leads, maybe this one; "": nobody. */
  readonly onNewLeader?: (identity: string) => void;
  readonly log: Log;
}

/**
 * Lets one of several replicas act, by a Lease. Semantics are client-go's: a holder is alive as
 * long as its record changes, by one's own monotonic clock and not by the times in it; writes are
 * guarded by the resource version. Unlike there, a replica that has lost is a candidate again.
 */
export class LeaderElection {
  readonly #api: KubeApi;
  readonly #options: LeaderElectionOptions;
  readonly #log: Log;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  readonly #retryMs: number;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  /** What was last seen of the Lease, and when its record was last seen to change. */
  #seen: Lease | undefined;
  #changedAt = 0;
  /** Whether a write may have taken effect of which no answer came. */
  #isUncertain = false;

  #term: AbortController | undefined;
  /** Until when this one may act, by `performance.now()`. */
  #leadsUntil = 0;
  #expiry: NodeJS.Timeout | undefined;
  #stopped: Promise<void> = Promise.resolve();
  #lastTrouble = "";

  constructor(api: KubeApi, options: LeaderElectionOptions) {
    const {
      leaseDurationSeconds = LEASE_DURATION_SECONDS,
      renewDeadlineSeconds = RENEW_DEADLINE_SECONDS,
      retryPeriodSeconds = RETRY_PERIOD_SECONDS,
    } = options;
    if (!(leaseDurationSeconds > renewDeadlineSeconds && renewDeadlineSeconds > retryPeriodSeconds))
      throw new Error("lease duration > renew deadline > retry period has to hold");
    if (!Number.isInteger(leaseDurationSeconds) || options.identity === "")
      throw new Error("a lease lasts whole seconds and its holder has a name");
    this.#api = api;
    this.#options = options;
    this.#leaseMs = leaseDurationSeconds * 1000;
    this.#renewMs = renewDeadlineSeconds * 1000;
    this.#retryMs = retryPeriodSeconds * 1000;
    this.#log = options.log.child({ lease: options.path, identity: options.identity });
  }

  /**
   * Whether this one may act now. Asks the clock, so that a process that was frozen knows as soon
   * as it goes on; ask before each act.
   */
  get isLeader(): boolean {
    return this.#term !== undefined && performance.now() < this.#leadsUntil;
  }

  /** Who holds the Lease, as last seen; "": nobody. */
  get leader(): string {
    return this.#seen?.spec?.holderIdentity ?? "";
  }

  /** How often the holder has changed, as last seen. */
  get transitions(): number {
    return this.#seen?.spec?.leaseTransitions ?? 0;
  }

  /** Becomes a candidate, until `stop`. */
  start(): this {
    this.#running ??= this.#run();
    return this;
  }

  /** Stops leading, then lets the Lease go, so that another takes it over at its next look. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#lose("it is stopping");
    await this.#stopped;
    await this.#release();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#attempt();
      await pause(this.#untilNextLook(), signal);
    }
  }

  #untilNextLook(): number {
    if (this.isLeader) return this.#retryMs;
    const look = this.#retryMs * (1 + Math.random() * JITTER);
    // The moment that the holder is taken for dead.
    const left = this.#changedAt + this.#validMs() - performance.now();
    return left > 0 && this.leader !== "" ? Math.min(look, left + 1) : look;
  }

  /** One look, and a write if it is called for. Never rejects. */
  async #attempt(): Promise<void> {
    try {
      await this.#acquireOrRenew();
      this.#lastTrouble = "";
    } catch (error) {
      this.#trouble(error as Error);
    }
  }

  /** @throws ApiError, Unreachable */
  async #acquireOrRenew(): Promise<void> {
    if (!this.isLeader) {
      // Its timer may be late.
      this.#lose(this.#tooLate);
      await this.#stopped;
    }
    // While it leads, nobody else writes, so what it wrote last is what is there.
    if (this.isLeader && this.#seen !== undefined && !this.#isUncertain) {
      try {
        return await this.#hold(this.#seen);
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    const lease = await this.#api.get<Lease>(this.#options.path, this.#call());
    this.#observe(lease);
    this.#isUncertain = false;
    if (this.#mayHold()) return this.#hold(lease);
    this.#lose(`${this.leader || "somebody"} has taken the Lease`);
  }

  /** Whether the Lease is free, dead, or one's own. */
  #mayHold(): boolean {
    if (this.leader === "" || this.leader === this.#options.identity) return true;
    return performance.now() >= this.#changedAt + this.#validMs();
  }

  /** How long the holder's record stands for it: as long as the holder says, or we. */
  #validMs(): number {
    const seconds = this.#seen?.spec?.leaseDurationSeconds;
    return typeof seconds === "number" ? seconds * 1000 : this.#leaseMs;
  }

  /** Writes this one's name. @throws ApiError, Unreachable */
  async #hold(lease: Lease): Promise<void> {
    const { identity } = this.#options;
    const isMine = lease.spec?.holderIdentity === identity;
    const now = microTime();
    const transitions = lease.spec?.leaseTransitions ?? 0;
    await this.#write(lease, {
      holderIdentity: identity,
      leaseDurationSeconds: this.#leaseMs / 1000,
      acquireTime: (isMine ? lease.spec?.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: isMine ? transitions : transitions + 1,
    });
  }

  async #write(lease: Lease, spec: LeaseSpec): Promise<void> {
    // Others count from when they see it, which is after this.
    const sentAt = performance.now();
    this.#isUncertain = true;
    try {
      const written = { ...lease, spec: { ...lease.spec, ...spec } };
      const stored = await this.#api.replace(this.#options.path, written, this.#call());
      this.#observe(stored as Lease);
    } catch (error) {
      if (isConflict(error)) this.#isUncertain = false;
      throw error;
    }
    this.#isUncertain = false;
    if (spec.holderIdentity === this.#options.identity) this.#lead(sentAt);
  }

  /** How long a request may take: no longer than the renewal's deadline leaves. */
  #call(): CallOptions {
    const left = this.isLeader ? this.#leadsUntil - performance.now() : this.#renewMs;
    const timeoutMs = Math.max(1, Math.min(left, this.#renewMs / 2));
    const { signal } = this.#stopping;
    // What gives the Lease back is not to be ended.
    return signal.aborted ? { timeoutMs } : { timeoutMs, signal };
  }

  #observe(lease: Lease): void {
    const before = this.leader;
    const isFirst = this.#seen === undefined;
    if (isFirst || !isDeepStrictEqual(this.#seen?.spec, lease.spec))
      this.#changedAt = performance.now();
    this.#seen = lease;
    if (!isFirst && this.leader === before) return;
    this.#log.info({ leader: this.leader }, "leader seen");
    void this.#tell(() => this.#options.onNewLeader?.(this.leader));
  }

  #lead(sentAt: number): void {
    if (performance.now() >= sentAt + this.#renewMs) return;
    if (!this.isLeader) this.#lose(this.#tooLate);
    this.#leadsUntil = sentAt + this.#renewMs;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(
      () => this.#lose(this.#tooLate),
      this.#leadsUntil - performance.now(),
    );
    if (this.#term !== undefined || this.#stopping.signal.aborted) return;
    this.#term = new AbortController();
    this.#log.info("leading");
    const { signal } = this.#term;
    void this.#tell(() => this.#options.onStartedLeading(signal));
  }

  get #tooLate(): string {
    return `the Lease could not be renewed for ${this.#renewMs / 1000} s`;
  }

  #lose(why: string): void {
    clearTimeout(this.#expiry);
    if (this.#term === undefined) return;
    const term = this.#term;
    this.#term = undefined;
    this.#leadsUntil = 0;
    this.#log.info({ why }, "no longer leading");
    term.abort();
    this.#stopped = this.#tell(() => this.#options.onStoppedLeading(why));
  }

  async #tell(act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#log.error({ error }, "a change of the leader could not be dealt with");
    }
  }

  /** Gives the Lease back if it is, or may be, this one's. Never rejects. */
  async #release(): Promise<void> {
    const { identity, path } = this.#options;
    if (this.leader !== identity && !this.#isUncertain) return;
    try {
      const lease = await this.#api.get<Lease>(path, this.#call());
      if (lease.spec?.holderIdentity !== identity) return;
      const now = microTime();
      await this.#write(lease, {
        holderIdentity: "",
        leaseDurationSeconds: 1,
        acquireTime: now,
        renewTime: now,
      });
    } catch (error) {
      this.#log.warn({ error }, "the Lease is not given back; others wait until it has expired");
    }
  }

  #trouble(error: Error): void {
    if (this.#stopping.signal.aborted) return;
    const message = isNotFound(error)
      ? "there is no Lease, so nobody can lead: it is made with the controller's Deployment"
      : "the Lease can be neither read nor written";
    // Once, until it works or something else is wrong; a conflict is how a race is lost.
    const trouble = `${message}: ${error.message}`;
    if (isConflict(error)) this.#log.debug({ error }, "somebody else wrote the Lease");
    else if (trouble !== this.#lastTrouble) this.#log.error({ error }, message);
    this.#lastTrouble = trouble;
  }
}
