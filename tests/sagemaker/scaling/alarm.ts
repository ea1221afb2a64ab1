/** When a CloudWatch alarm changes its state. */

import type { CloudWatch, MetricName, MetricQuery } from "./cloudWatch";

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** The part of PutMetricAlarm's input that decides a state; names as in the API. */
export interface AlarmInput extends Partial<MetricName> {
  readonly AlarmName: string;
  readonly Statistic?: string;
  readonly Metrics?: readonly MetricQuery[];
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly Threshold: number;
  readonly ComparisonOperator:
    | "GreaterThanThreshold"
    | "GreaterThanOrEqualToThreshold"
    | "LessThanThreshold"
    | "LessThanOrEqualToThreshold";
  readonly TreatMissingData?: "missing" | "ignore" | "breaching" | "notBreaching";
  /** Names of the scaling policies that it invokes. */
  readonly AlarmActions?: readonly string[];
}

/** A point of the evaluation range, oldest first; undefined is missing. */
export type Points = readonly (number | undefined)[];

/**
 * Points that an alarm looks at beyond its evaluation periods: the guide's tables retrieve 5 for
 * evaluation periods of 3. It calls the exact number dependent on period and resolution.
 */
const extraPoints = 2;

/**
 * The state after an evaluation.
 *
 * Source: Amazon CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data", its
 * tables and "Avoiding premature transitions to alarm state".
 */
export function alarmState(alarm: AlarmInput, points: Points, current: AlarmState): AlarmState {
  const { EvaluationPeriods, TreatMissingData = "missing" } = alarm;
  const needed = alarm.DatapointsToAlarm ?? EvaluationPeriods;
  const existing = points.flatMap((point) => (point === undefined ? [] : breaches(alarm, point)));
  const evaluated = existing.slice(-EvaluationPeriods);
  let breaching = evaluated.filter(Boolean).length;
  const filled = EvaluationPeriods - evaluated.length;

  if (filled > 0) {
    if (TreatMissingData === "breaching") breaching += filled;
    const undecided = breaching < needed && !evaluated.includes(false);
    if (TreatMissingData === "ignore" && undecided) return current;
    if (TreatMissingData === "missing" && undecided) {
      const oldest = points.findIndex((point) => point !== undefined);
      const age = points.length - oldest;
      return oldest >= 0 && age >= needed ? "ALARM" : "INSUFFICIENT_DATA";
    }
  }
  return breaching >= needed ? "ALARM" : "OK";
}

function breaches({ ComparisonOperator, Threshold }: AlarmInput, value: number): boolean {
  switch (ComparisonOperator) {
    case "GreaterThanThreshold":
      return value > Threshold;
    case "GreaterThanOrEqualToThreshold":
      return value >= Threshold;
    case "LessThanThreshold":
      return value < Threshold;
    case "LessThanOrEqualToThreshold":
      return value <= Threshold;
  }
}

/** An alarm over simulated metrics that become visible some seconds after their period's end. */
export class Alarm {
  state: AlarmState = "INSUFFICIENT_DATA";
  /** The newest points that the state rests on. */
  values: readonly number[] = [];

  constructor(
    readonly input: AlarmInput,
    private readonly delaySeconds: number,
  ) {}

  /**
   * Evaluates whenever a further period is visible.
   *
   * @returns whether its actions run: "the alarm continues to invoke the action for every period
   *   that the alarm remains in the new state", which is so for scaling actions only ("Using Amazon
   *   CloudWatch alarms").
   */
  evaluate(now: number, metrics: CloudWatch): boolean {
    const { Period, EvaluationPeriods } = this.input;
    const end = now - this.delaySeconds;
    if (end % Period !== 0) return false;
    const start = end - (EvaluationPeriods + extraPoints) * Period;
    const series = metrics.series(queriesOf(this.input), Period, start, end);
    const points: (number | undefined)[] = [];
    for (let at = start; at < end; at += Period) points.push(series.get(at));
    this.state = alarmState(this.input, points, this.state);
    this.values = points
      .filter((point): point is number => point !== undefined)
      .slice(-EvaluationPeriods);
    return this.state === "ALARM";
  }
}

function queriesOf({ Metrics, Statistic, Namespace, MetricName, Dimensions }: AlarmInput) {
  if (Metrics) return Metrics;
  const Metric = { Namespace: Namespace!, MetricName: MetricName!, Dimensions: Dimensions ?? [] };
  return [{ Id: "m", MetricStat: { Metric, Stat: Statistic! } }];
}
