import assert from "node:assert/strict";
import { type AlarmInput, alarmState } from "./alarm";
import { ApplicationAutoScaling } from "./applicationAutoScaling";
import { CloudWatch } from "./cloudWatch";
import {
  type ScalingPolicy,
  type StepPolicy,
  stepAdjustment,
  trackedCapacity,
  trackingAlarms,
} from "./scalingPolicy";
import { concurrencyPolicy, invocationsPolicy, variant } from "./seedPolicies";
import { noDelays } from "./simulation";

type Steps = StepPolicy["StepScalingPolicyConfiguration"]["StepAdjustments"];

const load = { Namespace: "test", MetricName: "load", Dimensions: [] };

const alarm: AlarmInput = {
  AlarmName: "load",
  ...load,
  Statistic: "Average",
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 50,
  ComparisonOperator: "GreaterThanOrEqualToThreshold",
  AlarmActions: ["step"],
};

function step(configuration: Partial<StepPolicy["StepScalingPolicyConfiguration"]>): StepPolicy {
  return {
    PolicyName: "step",
    PolicyType: "StepScaling",
    ResourceId: variant,
    StepScalingPolicyConfiguration: {
      AdjustmentType: "ChangeInCapacity",
      StepAdjustments: [
        { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 20, ScalingAdjustment: 2 },
        { MetricIntervalLowerBound: 20, ScalingAdjustment: 3 },
      ],
      Cooldown: 300,
      ...configuration,
    },
  };
}

/** Desired capacity after each minute, whose load is given; capacity starts at once. */
function overMinutes(policies: ScalingPolicy[], loads: number[], alarms = [alarm], initial = 10) {
  const metrics = new CloudWatch();
  const target = { MinCapacity: 0, MaxCapacity: 100 };
  const scaling = new ApplicationAutoScaling(target, initial, policies, alarms, metrics, noDelays);
  return loads.map((value, minute) => {
    metrics.put(load, 60 * minute, value);
    for (let at = 60 * minute + 1; at <= 60 * (minute + 1); at++) scaling.step(at, scaling.desired);
    return scaling.desired;
  });
}

describe("an alarm's state", () => {
  const rows: [string, number, Record<string, string>][] = [
    ["0-X-X", 3, { missing: "OK", ignore: "OK", breaching: "OK", notBreaching: "OK" }],
    ["0----", 3, { missing: "OK", ignore: "OK", breaching: "OK", notBreaching: "OK" }],
    ["-----", 3, { missing: "?", ignore: "keeps", breaching: "ALARM", notBreaching: "OK" }],
    ["0XX-X", 3, { missing: "ALARM", ignore: "ALARM", breaching: "ALARM", notBreaching: "ALARM" }],
    ["----X", 3, { missing: "?", ignore: "keeps", breaching: "ALARM", notBreaching: "OK" }],
    ["X----", 3, { missing: "ALARM", ignore: "keeps", breaching: "ALARM", notBreaching: "OK" }],
    ["0-X-X", 2, { missing: "ALARM", ignore: "ALARM", breaching: "ALARM", notBreaching: "ALARM" }],
    ["00X0X", 2, { missing: "ALARM", ignore: "ALARM", breaching: "ALARM", notBreaching: "ALARM" }],
    ["0-X--", 2, { missing: "OK", ignore: "OK", breaching: "ALARM", notBreaching: "OK" }],
    ["----0", 2, { missing: "OK", ignore: "OK", breaching: "ALARM", notBreaching: "OK" }],
    ["----X", 2, { missing: "?", ignore: "keeps", breaching: "ALARM", notBreaching: "OK" }],
  ];

  it("follows CloudWatch's two tables of missing data", () => {
    const points = (row: string) =>
      [...row].map((point) => (point === "-" ? undefined : point === "X" ? 99 : 0));
    for (const [row, DatapointsToAlarm, expected] of rows) {
      for (const [treatment, state] of Object.entries(expected)) {
        const input = {
          ...alarm,
          EvaluationPeriods: 3,
          DatapointsToAlarm,
          TreatMissingData: treatment as "missing",
        };
        const before = "OK" as const;
        const wanted = state === "?" ? "INSUFFICIENT_DATA" : state === "keeps" ? before : state;
        assert.equal(alarmState(input, points(row), before), wanted, `${row} ${treatment}`);
      }
    }
  });
});

describe("a step policy", () => {
  it("goes 10, 11, 14, 13, 10 in the user guide's example", () => {
    const percent = (StepAdjustments: Steps) =>
      step({ AdjustmentType: "PercentChangeInCapacity", StepAdjustments });
    const out = percent([
      { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 0 },
      { MetricIntervalLowerBound: 10, MetricIntervalUpperBound: 20, ScalingAdjustment: 10 },
      { MetricIntervalLowerBound: 20, ScalingAdjustment: 30 },
    ]);
    const into = percent([
      { MetricIntervalLowerBound: -10, MetricIntervalUpperBound: 0, ScalingAdjustment: 0 },
      { MetricIntervalLowerBound: -20, MetricIntervalUpperBound: -10, ScalingAdjustment: -10 },
      { MetricIntervalUpperBound: -20, ScalingAdjustment: -30 },
    ]);
    assert.equal(stepAdjustment(out, 10, [59], 50), 0);
    assert.equal(stepAdjustment(out, 10, [60], 50), 1);
    assert.equal(stepAdjustment(out, 11, [70], 50), 3);
    assert.equal(stepAdjustment(into, 14, [40], 50), -1);
    assert.equal(stepAdjustment(into, 13, [30], 50), -3);
  });

  it("keeps to a smallest magnitude, and to an exact capacity", () => {
    const steps = [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 25 }];
    const percent = { AdjustmentType: "PercentChangeInCapacity", StepAdjustments: steps } as const;
    assert.equal(stepAdjustment(step({ ...percent, MinAdjustmentMagnitude: 2 }), 4, [50], 50), 2);
    const exact = { ...percent, AdjustmentType: "ExactCapacity" } as const;
    assert.equal(stepAdjustment(step(exact), 4, [50], 50), 21);
  });

  it("reads the points as its aggregation type says", () => {
    const points = [50, 80];
    const of = (MetricAggregationType: "Average" | "Minimum" | "Maximum") =>
      stepAdjustment(step({ MetricAggregationType }), 1, points, 50);
    assert.deepEqual([of("Average"), of("Minimum"), of("Maximum")], [2, 2, 3]);
  });

  it("adds one only when it asks for 3 in the cooldown of its 2, as the user guide has it", () => {
    assert.deepEqual(overMinutes([step({})], [60, 60, 80, 80]), [12, 12, 13, 13]);
  });

  it("adds again after the cooldown", () => {
    assert.deepEqual(
      overMinutes([step({ Cooldown: 100 })], [60, 60, 60, 60, 60]),
      [12, 12, 14, 14, 16],
    );
  });
});

describe("target tracking", () => {
  const policy = (TargetValue: number, cooldowns = {}) => ({
    PolicyName: `load-${TargetValue}`,
    PolicyType: "TargetTrackingScaling" as const,
    ResourceId: variant,
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue,
      CustomizedMetricSpecification: { ...load, Statistic: "Average" },
      ScaleOutCooldown: 600,
      ScaleInCooldown: 600,
      ...cooldowns,
    },
  });
  const minutes = (count: number, value: number) => Array<number>(count).fill(value);

  it("sets a high alarm on 3 points, of 10 s for high resolution, and a low one on 15 minutes", () => {
    const { high, low } = trackingAlarms(concurrencyPolicy(variant));
    assert.deepEqual([high.Period, high.EvaluationPeriods, high.Threshold], [10, 3, 5]);
    assert.deepEqual([low.Period, low.EvaluationPeriods, low.Threshold], [60, 15, 4.5]);
    assert.equal(trackingAlarms(invocationsPolicy(60)).high.Period, 60);
  });

  it("rounds up both ways, and multiplies nothing by zero", () => {
    assert.equal(trackedCapacity(3, 6, 5), 4);
    assert.equal(trackedCapacity(4, 2.6, 5), 3);
    assert.equal(trackedCapacity(10, 5, 5), 10);
    assert.equal(trackedCapacity(0, 1000, 5), 0);
  });

  it("scales out after three points above its target, and not after two", () => {
    assert.deepEqual(
      overMinutes([policy(50)], [60, 60, 40, 60, 60, 60], []),
      [10, 10, 10, 10, 10, 12],
    );
  });

  it("lets only a larger scale-out through during the cooldown", () => {
    const desired = overMinutes([policy(50)], [60, 60, 60, 55, 75, 60], []);
    // 12 after ceil(10 × 60 / 50); then ceil(10 × 75 / 50), the 2 that came being part of it.
    assert.deepEqual(desired, [10, 10, 12, 12, 15, 15]);
  });

  it("scales in after fifteen points below nine tenths, and then not before the cooldown's end", () => {
    const desired = overMinutes([policy(50)], [50, ...minutes(27, 40)], []);
    assert.deepEqual(desired.slice(0, 15), minutes(15, 10));
    assert.deepEqual(desired.slice(15, 26), minutes(11, 8));
    assert.deepEqual(desired.slice(26), minutes(2, 7));
    assert.deepEqual(overMinutes([policy(50)], minutes(30, 45), []), minutes(30, 10));
  });

  it("does not scale in without data", () => {
    const desired = overMinutes([policy(50)], minutes(14, 40), []);
    assert.deepEqual(desired, minutes(14, 10));
    const metrics = new CloudWatch();
    const target = { MinCapacity: 0, MaxCapacity: 10 };
    const scaling = new ApplicationAutoScaling(target, 5, [policy(50)], [], metrics, noDelays);
    for (let at = 0; at < 3600; at++) scaling.step(at, 5);
    assert.equal(scaling.desired, 5);
  });

  it("does not scale in while another policy has no data", () => {
    const CustomizedMetricSpecification = { ...load, MetricName: "none", Statistic: "Average" };
    const without = { ...policy(80, { CustomizedMetricSpecification }), PolicyName: "none" };
    assert.equal(overMinutes([policy(50), without], minutes(20, 40), []).at(-1), 10);
  });

  it("breaks off a scale-in's cooldown to scale out", () => {
    const desired = overMinutes([policy(50)], [...minutes(16, 40), 70, 70, 70], []);
    assert.deepEqual(desired.slice(14), [8, 8, 8, 8, 12]);
  });

  it("scales out if one of two policies says so, by the one with the larger capacity", () => {
    assert.equal(overMinutes([policy(50), policy(55)], minutes(3, 60), []).at(-1), 12);
    assert.equal(overMinutes([policy(50), policy(90)], minutes(3, 60), []).at(-1), 12);
  });

  it("scales in only if all policies agree, to the larger of their capacities", () => {
    // 37 is not below nine tenths of 40, though 100 × 37 / 40 is less than 100.
    assert.equal(overMinutes([policy(40), policy(80)], minutes(20, 37), [], 100).at(-1), 100);
    assert.equal(overMinutes([policy(60), policy(80)], minutes(16, 40), []).at(-1), 7);
    const { PolicyName, ...rest } = policy(40, { DisableScaleIn: true });
    const disabled = { PolicyName: `${PolicyName}-out`, ...rest };
    assert.equal(overMinutes([disabled, policy(80)], minutes(16, 38), []).at(-1), 5);
  });
});
