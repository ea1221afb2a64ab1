import { type Alarm, aboveInFiveMinutes, minute } from "./alarm";

/** A runtime of the asynchronous path, as its alarm sees it. */
export interface AlarmedRuntime {
  readonly name: string;
  readonly queueName: string;
  /** Minutes that a task may wait, and seconds that it may then take. */
  readonly waitMinutes: number;
  readonly longestTaskSeconds: number;
}

/**
 * A task has been in the queue for longer than it may wait and run: no machines, pods that do not
 * start, or more tasks than the replicas can do. SQS counts tasks in work, too.
 */
export function oldestTaskAlarm({
  name,
  queueName,
  waitMinutes,
  longestTaskSeconds,
}: AlarmedRuntime): Alarm {
  return [
    `runtime-${name}-oldest-task`,
    `A task of the runtime ${name} has waited for more than ${waitMinutes} minutes: no machines, pods that do not start, or too many tasks.`,
    aboveInFiveMinutes(waitMinutes * minute + longestTaskSeconds, {
      namespace: "AWS/SQS",
      metricName: "ApproximateAgeOfOldestMessage",
      dimensions: { QueueName: queueName },
      statistic: "Maximum",
      // SQS publishes nothing of a queue that nobody has used for six hours.
    }),
  ];
}
