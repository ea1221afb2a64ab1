/**
 * Application Auto Scaling over one scalable target, second by second.
 *
 * Source, unless a rule names another: Application Auto Scaling user guide, "How target tracking
 * scaling works" and "Step scaling policies".
 */

import { Alarm, type AlarmInput } from "./alarm";
import type { CloudWatch } from "./cloudWatch";
import {
  defaultCooldownSeconds,
  type ScalingPolicy,
  type StepPolicy,
  stepAdjustment,
  type TargetTrackingPolicy,
  trackedCapacity,
  trackingAlarms,
} from "./scalingPolicy";

export interface ScalableTarget {
  readonly MinCapacity: number;
  readonly MaxCapacity: number;
}

/**
 * Seconds from the end of a period until an alarm has its point, by the alarm's period. AWS
 * documents none.
 */
export interface MetricDelays {
  readonly standard: number;
  readonly highResolution: number;
}

/** One change of the capacity asked for. */
export interface Activity {
  readonly atSeconds: number;
  readonly policy: string;
  readonly from: number;
  readonly to: number;
}

interface Cooldown {
  /** Capacity before the activity that began it, or before the first of several. */
  readonly base: number;
  readonly seconds: number;
  /** Undefined until the activity is complete: the capacity asked for is in service. */
  endsAt?: number;
}

interface Proposal {
  readonly policy: string;
  /** Capacity that it was reckoned from. */
  readonly base: number;
  readonly capacity: number;
  readonly out: boolean;
}

export class ApplicationAutoScaling {
  readonly activities: Activity[] = [];
  readonly #tracking: { policy: TargetTrackingPolicy; high: Alarm; low: Alarm }[] = [];
  readonly #steps: { policy: StepPolicy; alarm: Alarm }[] = [];
  readonly #scaleOut = new Map<string, Cooldown>();
  readonly #scaleIn = new Map<string, Cooldown>();

  /**
   * @param desired capacity at the start
   * @param alarms those of the step policies, whose AlarmActions name them
   */
  constructor(
    private readonly target: ScalableTarget,
    public desired: number,
    policies: readonly ScalingPolicy[],
    alarms: readonly AlarmInput[],
    private readonly metrics: CloudWatch,
    delays: MetricDelays,
  ) {
    const create = (input: AlarmInput) =>
      new Alarm(input, input.Period < 60 ? delays.highResolution : delays.standard);
    for (const policy of policies) {
      if (policy.PolicyType === "TargetTrackingScaling") {
        const { high, low } = trackingAlarms(policy);
        this.#tracking.push({ policy, high: create(high), low: create(low) });
        continue;
      }
      for (const input of alarms) {
        if (!input.AlarmActions?.includes(policy.PolicyName)) continue;
        this.#steps.push({ policy, alarm: create(input) });
      }
    }
  }

  /**
   * Evaluates the alarms of this second and changes `desired` at most once: out if any policy says
   * so, else in. Of several, the policy with the largest capacity counts, "for both scale in and
   * scale out".
   *
   * @param running capacity in service
   */
  step(now: number, running: number): void {
    this.#runCooldowns(now, running === this.desired);
    const proposals = [...this.#tracked(now, running), ...this.#stepped(now)].map((proposal) => ({
      ...proposal,
      capacity: this.#clamp(proposal.capacity),
    }));
    const out = largest(proposals.filter((one) => one.out && one.capacity > this.desired));
    const into = largest(proposals.filter((one) => !one.out && one.capacity < this.desired));
    if (out) this.#change(now, out, this.#scaleOut);
    // "Scale-in activities are blocked until the cooldown period has expired."
    else if (into && this.#scaleIn.size === 0) this.#change(now, into, this.#scaleIn);
  }

  #tracked(now: number, running: number): Proposal[] {
    const rang = this.#tracking.map(({ policy, high, low }) => ({
      policy,
      high,
      rangHigh: high.evaluate(now, this.metrics),
      rangLow: low.evaluate(now, this.metrics),
    }));
    const proposals = rang.flatMap(({ policy, high, rangHigh }) => {
      if (!rangHigh) return [];
      const { TargetValue } = policy.TargetTrackingScalingPolicyConfiguration;
      const base = this.#baseOf(policy.PolicyName) ?? running;
      const capacity = trackedCapacity(base, high.values.at(-1)!, TargetValue);
      return [{ policy: policy.PolicyName, base, capacity, out: true }];
    });
    const into = rang.find(({ rangLow }) => rangLow)?.policy.PolicyName;
    if (into === undefined || running !== this.desired) return proposals;
    return [...proposals, ...this.#scaleInTracked(into, running)];
  }

  /**
   * "It will scale in only if all of the target tracking policies (with the scale-in portion enabled)
   * are ready to scale in"; a policy whose alarm has insufficient data is not. By the highest of the
   * points that the alarms saw: the guide says no more than that it "scales in more gradually".
   */
  #scaleInTracked(policy: string, running: number): Proposal[] {
    const enabled = this.#tracking.filter(
      (one) => !one.policy.TargetTrackingScalingPolicyConfiguration.DisableScaleIn,
    );
    if (enabled.length === 0 || !enabled.every(({ low }) => low.state === "ALARM")) return [];
    const capacities = enabled.map(({ policy, low }) => {
      const { TargetValue } = policy.TargetTrackingScalingPolicyConfiguration;
      return trackedCapacity(running, Math.max(...low.values), TargetValue);
    });
    return [{ policy, base: running, capacity: Math.max(...capacities), out: false }];
  }

  #stepped(now: number): Proposal[] {
    return this.#steps.flatMap(({ policy, alarm }) => {
      if (!alarm.evaluate(now, this.metrics)) return [];
      const base = this.#baseOf(policy.PolicyName) ?? this.desired;
      const change = stepAdjustment(policy, base, alarm.values, alarm.input.Threshold);
      const out = change > 0;
      const capacity = (out ? base : this.desired) + change;
      return [{ policy: policy.PolicyName, base, capacity, out }];
    });
  }

  /**
   * "While the cooldown period is in effect, capacity added by the initiating scale-out activity is
   * calculated as part of the desired capacity": what counts then is the capacity before it, so that
   * only a larger scale-out gets through.
   */
  #baseOf(policy: string): number | undefined {
    return this.#scaleOut.get(policy)?.base;
  }

  #change(
    now: number,
    { policy, base, capacity }: Proposal,
    cooldowns: Map<string, Cooldown>,
  ): void {
    // "The scale-in cooldown period stops and doesn't complete" when something scales out.
    if (cooldowns === this.#scaleOut) this.#scaleIn.clear();
    const seconds = this.#cooldownOf(policy, cooldowns === this.#scaleOut);
    cooldowns.set(policy, { base, seconds });
    this.activities.push({ atSeconds: now, policy, from: this.desired, to: capacity });
    this.desired = capacity;
  }

  #cooldownOf(name: string, out: boolean): number {
    const tracked = this.#tracking.find(({ policy }) => policy.PolicyName === name)?.policy;
    const stepped = this.#steps.find(({ policy }) => policy.PolicyName === name)?.policy;
    const configuration = tracked?.TargetTrackingScalingPolicyConfiguration;
    const cooldown = configuration
      ? out
        ? configuration.ScaleOutCooldown
        : configuration.ScaleInCooldown
      : stepped?.StepScalingPolicyConfiguration.Cooldown;
    return cooldown ?? defaultCooldownSeconds;
  }

  /** "After Application Auto Scaling successfully scales out … it starts to calculate the cooldown." */
  #runCooldowns(now: number, complete: boolean): void {
    for (const cooldowns of [this.#scaleOut, this.#scaleIn]) {
      for (const [policy, cooldown] of cooldowns) {
        if (complete) cooldown.endsAt ??= now + cooldown.seconds;
        if (now >= (cooldown.endsAt ?? Infinity)) cooldowns.delete(policy);
      }
    }
  }

  #clamp(capacity: number): number {
    return Math.min(Math.max(capacity, this.target.MinCapacity), this.target.MaxCapacity);
  }
}

function largest(proposals: readonly Proposal[]): Proposal | undefined {
  return [...proposals].sort((a, b) => b.capacity - a.capacity)[0];
}
