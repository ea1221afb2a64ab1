/** The scaling that the program plans, as the API's inputs, for the simulation. */

import type { PlannedResource } from "../../../cli/plan/document";
import type { Plan } from "../../../cli/plan/makePlan";
import { usageRequestsMetric } from "../../../contracts/metrics";
import { calls } from "../../program/awsCalls";
import { ofType } from "../../program/planned";
import type { AlarmInput } from "./alarm";
import type { ScalableTarget } from "./applicationAutoScaling";
import type { MetricName } from "./cloudWatch";
import type { ScalingPolicy } from "./scalingPolicy";

export interface PlannedScaling {
  readonly resourceId: string;
  readonly target: ScalableTarget;
  readonly policies: readonly ScalingPolicy[];
  readonly alarms: readonly AlarmInput[];
}

/** What scales the endpoint, or the inference component, whose target the program calls so. */
export function plannedScaling(plan: Plan, name: string): PlannedScaling {
  const target = ofType(plan, "aws:appautoscaling/target:Target").find((it) => it.name === name);
  if (target === undefined) throw new Error(`no target is called ${name}`);
  const { resourceId, minCapacity, maxCapacity } = target.inputs;
  const policies = ofType(plan, "aws:appautoscaling/policy:Policy").filter(
    ({ inputs }) => inputs.resourceId === resourceId,
  );
  const byArn = new Map(
    policies.map((policy) => [`<output of ${policy.name}.arn>`, String(policy.inputs.name)]),
  );
  const alarms = ofType(plan, "aws:cloudwatch/metricAlarm:MetricAlarm").filter(({ inputs }) =>
    (inputs.alarmActions as string[]).some((action) => byArn.has(action)),
  );
  return {
    resourceId: String(resourceId),
    target: { MinCapacity: Number(minCapacity), MaxCapacity: Number(maxCapacity) },
    policies: policies.map((policy) => asApi(policy) as unknown as ScalingPolicy),
    alarms: alarms.map((alarm) => {
      const input = asApi(alarm);
      return {
        ...input,
        Dimensions: Object.entries(alarm.inputs.dimensions as Record<string, string>).map(
          ([Name, Value]) => ({ Name, Value }),
        ),
        AlarmActions: (alarm.inputs.alarmActions as string[]).map((action) => byArn.get(action)!),
      } as unknown as AlarmInput;
    }),
  };
}

/** The metric that the API counts an asynchronous endpoint's requests by. */
export function requestMetricOf({ resourceId }: PlannedScaling, region = "us-west-2"): MetricName {
  const { namespace, name, dimensions } = usageRequestsMetric(resourceId.split("/")[1]!, region);
  return {
    Namespace: namespace,
    MetricName: name,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  };
}

function asApi({ type, inputs, name }: PlannedResource): Record<string, unknown> {
  const [made] = calls[type]!(inputs, String(inputs.name ?? name));
  return capitals(made!.parameters) as Record<string, unknown>;
}

/** Pulumi's names begin with a small letter where the API's do not. */
function capitals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(capitals);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === undefined ? [] : [[key[0]!.toUpperCase() + key.slice(1), capitals(inner)]],
    ),
  );
}
