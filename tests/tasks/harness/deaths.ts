import type { AgentStep } from "./agentCall";
import type { Seeded } from "./seeded";

/** A moment at which an agent may die. */
export interface DeathPoint {
  readonly name: string;
  /** The call that it makes then; absent: it runs a task. */
  readonly step?: AgentStep;
  /** Before AWS hears of the call, or after AWS has done it. */
  readonly when: "before" | "after";
  /** Part of the tasks that get there. */
  readonly share: number;
}

export const deathPoints = [
  { name: "before the claim", step: "claim", when: "before", share: 1 },
  { name: "after the claim", step: "claim", when: "after", share: 1 },
  { name: "while running", when: "after", share: 1 },
  { name: "before an image is uploaded", step: "image", when: "before", share: 1 },
  { name: "between two uploads", step: "image", when: "after", share: 1 },
  { name: "between upload and manifest", step: "manifest", when: "before", share: 0.9 },
  { name: "between manifest and state", step: "complete", when: "before", share: 0.9 },
  { name: "between state and notification", step: "tell", when: "before", share: 0.2 },
  { name: "between notification and delete", step: "delete", when: "before", share: 0.2 },
  { name: "after the delete", step: "delete", when: "after", share: 0.2 },
  {
    name: "between a failure and its dead letter",
    step: "dead-letter",
    when: "before",
    share: 0.05,
  },
  {
    name: "between a dead letter and its note",
    step: "mark dead-lettered",
    when: "before",
    share: 0.04,
  },
] as const satisfies readonly DeathPoint[];

export type DeathName = (typeof deathPoints)[number]["name"];

/** Which agents die when: at each point so often, at times that chance chooses. */
export class Deaths {
  readonly #reached = new Map<DeathName, number>();
  readonly #planned = new Map<DeathName, Set<number>>();
  readonly counts = new Map<DeathName, number>();

  constructor(random: Seeded, tasks: number, each: number) {
    for (const { name, share } of deathPoints) {
      const last = Math.max(each, Math.floor(tasks * share * 0.8));
      const planned = new Set<number>();
      while (planned.size < each) planned.add(random.between(1, last));
      this.#planned.set(name, planned);
    }
  }

  /** The point at which an agent dies that makes this call, or, without one, runs a task. */
  at(step: AgentStep | undefined): DeathPoint | undefined {
    let death: DeathPoint | undefined;
    for (const point of deathPoints as readonly (DeathPoint & { readonly name: DeathName })[]) {
      if (point.step !== step) continue;
      const reached = (this.#reached.get(point.name) ?? 0) + 1;
      this.#reached.set(point.name, reached);
      const planned = this.#planned.get(point.name)!;
      if (!planned.delete(reached)) continue;
      // It dies once; the other is to come at the next opportunity.
      if (death !== undefined) planned.add(reached + 1);
      else {
        death = point;
        this.counts.set(point.name, (this.counts.get(point.name) ?? 0) + 1);
      }
    }
    return death;
  }
}
