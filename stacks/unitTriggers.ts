import {
  counterExpression,
  counterMetric,
  inFlightMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
} from "../contracts/metrics";
import type { Trigger } from "../contracts/routeTable";

export interface UnitTriggersArgs {
  readonly unit: string;
  readonly stack: string;
  readonly region: string;
  /** Images per minute per replica, in the mode that holds. */
  readonly counterTarget: number;
  /** Requests in flight per replica. */
  readonly inFlightTarget: number;
  /** ClusterTriggerAuthentication with KEDA's own identity. */
  readonly authenticationName: string;
}

/** `spec.triggers` of a unit's ScaledObject: by images served and by requests in flight. */
export function unitTriggers(args: UnitTriggersArgs): readonly Trigger[] {
  return [counterTrigger(args), inFlightTrigger(args)];
}

/**
 * Seed 001's trigger. Metrics Insights aggregates to a minute, so the period is said explicitly
 * (KEDA's own is 300 s), and a missing metric is an error rather than an idle unit.
 */
function counterTrigger(args: UnitTriggersArgs): Trigger {
  return {
    type: "aws-cloudwatch",
    name: "counter",
    metricType: "AverageValue",
    useCachedMetrics: true,
    metadata: {
      namespace: METRIC_NAMESPACE,
      expression: counterExpression(args.unit, args.stack),
      metricName: counterMetric(args.unit),
      metricStatPeriod: "60",
      metricCollectionTime: "180",
      minMetricValue: "1",
      targetMetricValue: String(args.counterTarget),
      metricUnit: "Count",
      ignoreNullValues: "false",
      awsRegion: args.region,
    },
    authenticationRef: reference(args),
  };
}

/** A served counter stops rising at saturation; requests in flight do not, and scale out then. */
function inFlightTrigger(args: UnitTriggersArgs): Trigger {
  return {
    type: "aws-cloudwatch",
    name: "in-flight",
    metricType: "Value",
    useCachedMetrics: true,
    metadata: {
      namespace: METRIC_NAMESPACE,
      metricName: inFlightMetric(args.unit),
      dimensionName: STACK_DIMENSION,
      dimensionValue: args.stack,
      metricStat: "Average",
      metricStatPeriod: "10",
      metricCollectionTime: "60",
      minMetricValue: "0",
      targetMetricValue: String(args.inFlightTarget),
      metricUnit: "Count",
      ignoreNullValues: "false",
      awsRegion: args.region,
    },
    authenticationRef: reference(args),
  };
}

function reference({ authenticationName }: UnitTriggersArgs) {
  return { kind: "ClusterTriggerAuthentication", name: authenticationName };
}
