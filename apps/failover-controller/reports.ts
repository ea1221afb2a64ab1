import type { ModelStatus } from "../../contracts/failover";
import type { Log } from "../service/log";
import { Heartbeat } from "./heartbeat";
import type { Settings } from "./settings";
import { SwitchTopic } from "./switchTopic";

/** What the leader knows when it is asked. */
export interface Leading {
  readonly statuses: readonly ModelStatus[];
  /** Failures since the start of the process. */
  readonly errors: number;
  /** How long a watch has heard nothing. */
  readonly silenceMs: number;
}

export interface ReportsOptions {
  readonly settings: Pick<Settings, "AWS_REGION" | "TOPIC_ARN" | "STACK">;
  readonly log: Log;
  /** Told of each report that failed, with what. */
  readonly onFailure: (what: "sns" | "cloudwatch") => void;
}

const everyMs = 60_000;
/** Who has heard nothing of the cluster for so long does not see it, and is not to say that he does. */
const deafMs = 120_000;

/** What AWS is told: each switch at once, and every minute that the leader is there. */
export class Reports {
  readonly #options: ReportsOptions;
  readonly #topic: SwitchTopic | undefined;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #switches = new Map<string, number>();
  #errorsTold = 0;
  /** What is on its way. */
  readonly #underWay = new Set<Promise<void>>();
  #leading: () => Leading | undefined = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReportsOptions) {
    const { AWS_REGION, TOPIC_ARN, STACK } = options.settings;
    this.#options = options;
    if (AWS_REGION === undefined) return;
    this.#heartbeat = new Heartbeat(STACK);
    if (TOPIC_ARN !== undefined)
      this.#topic = new SwitchTopic({ topicArn: TOPIC_ARN, stack: STACK });
  }

  /** A switch that is in the route. Holds nobody up; a failure is logged. */
  switched(status: ModelStatus, direction: "over" | "back"): void {
    this.#switches.set(status.model, (this.#switches.get(status.model) ?? 0) + 1);
    const told = this.#topic?.tell(status, direction);
    this.#follow(told?.catch((error: unknown) => this.#failed("sns", error)));
    // The alarm on a switch need not wait for the minute, nor get lost with this process.
    this.#beatNow();
  }

  /** @param leading what there is to say; undefined while another replica leads */
  start(leading: () => Leading | undefined): void {
    if (this.#heartbeat === undefined) return;
    this.#leading = leading;
    this.#beatNow();
    this.#timer = setInterval(() => this.#beatNow(), everyMs);
  }

  /** Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #beatNow(): void {
    this.#follow(this.#beat(this.#leading()));
  }

  #follow(sent: Promise<void> | undefined): void {
    if (sent === undefined) return;
    this.#underWay.add(sent);
    void sent.then(() => this.#underWay.delete(sent));
  }

  async #beat(leading: Leading | undefined): Promise<void> {
    if (leading === undefined || leading.silenceMs > deafMs) return;
    const switches = new Map(this.#switches);
    const errors = leading.errors - this.#errorsTold;
    try {
      await this.#heartbeat?.beat({ statuses: leading.statuses, switches, errors });
    } catch (error) {
      this.#failed("cloudwatch", error);
      return;
    }
    this.#errorsTold = leading.errors;
    // Whatever has happened while it was on its way is for the next one.
    for (const [model, told] of switches)
      this.#switches.set(model, this.#switches.get(model)! - told);
  }

  #failed(what: "sns" | "cloudwatch", error: unknown): void {
    this.#options.onFailure(what);
    this.#options.log.error({ error }, `${what} has not been told`);
  }
}
