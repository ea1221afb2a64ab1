import type * as aws from "@pulumi/aws";

/** How a new version takes over from the old one. */
export interface CanaryDeployment {
  /** Percent of the new fleet that gets traffic first, 50 at most. */
  readonly canaryPercent: number;
  /** Seconds in which an alarm takes the new fleet back, before it gets all and after. */
  readonly waitSeconds: number;
  /** Seconds that the old fleet stays afterwards. */
  readonly terminationWaitSeconds: number;
}

/** Seconds that machines may take to be there, on top of all that is waited for. */
const machineSeconds = 3600;

/**
 * Blue/green: a whole new fleet, a canary of the traffic first, and the old fleet back when an alarm
 * goes off. The old fleet serves until then, so a version that cannot start costs nobody a request.
 *
 * SageMaker leaves out the canary only for Marketplace containers and Inf1 (SageMaker developer
 * guide, "Deployment guardrails", "Exclusions"). It refuses to change the instance type of a variant
 * that scales ("Update endpoints that use auto scaling"): the endpoint then stays as it was, and a
 * new type wants a new endpoint beside the old one.
 *
 * @param startupSeconds that the model may take to be there, and again its container to be healthy
 */
export function blueGreen(
  { canaryPercent, waitSeconds, terminationWaitSeconds }: CanaryDeployment,
  startupSeconds: number,
  alarms: readonly aws.cloudwatch.MetricAlarm[],
) {
  return {
    blueGreenUpdatePolicy: {
      trafficRoutingConfiguration: {
        type: "CANARY",
        canarySize: { type: "CAPACITY_PERCENT", value: canaryPercent },
        waitIntervalInSeconds: waitSeconds,
      },
      terminationWaitInSeconds: terminationWaitSeconds,
      // It has to be more than all waits together.
      maximumExecutionTimeoutInSeconds:
        machineSeconds + 2 * startupSeconds + 2 * waitSeconds + terminationWaitSeconds,
    },
    autoRollbackConfiguration: {
      alarms: alarms.map((alarm) => ({ alarmName: alarm.name })),
    },
  };
}
