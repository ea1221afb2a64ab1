import {
  METRIC_NAMESPACE,
  RUNTIME_DIMENSION,
  STACK_DIMENSION,
  TASK_RUN_METRIC,
  TASK_WAIT_METRIC,
  TASKS_COMPLETED_METRIC,
  TASKS_FAILED_METRIC,
  TASKS_RETRIED_METRIC,
} from "../contracts/metrics";

/** A runtime as its row of the dashboard shows it. */
export interface DashboardRuntime {
  readonly name: string;
  readonly queueName: string;
  readonly deadLetterQueueName: string;
}

/** A graph of a row: its title, CloudWatch's lists of metrics, and a line to compare with. */
export interface MetricGraph {
  readonly title: string;
  readonly metrics: readonly (readonly unknown[])[];
  readonly line?: { readonly label: string; readonly value: number };
}

/** What waits for a runtime, and what has become of what it got. */
export function runtimeGraphs(runtime: DashboardRuntime, stack: string): readonly MetricGraph[] {
  const queue = (name: string, metric: string, label: string) => [
    "AWS/SQS",
    metric,
    "QueueName",
    name,
    { stat: "Maximum", label },
  ];
  const agent = (metric: string, stat: string, label: string) => [
    METRIC_NAMESPACE,
    metric,
    STACK_DIMENSION,
    stack,
    RUNTIME_DIMENSION,
    runtime.name,
    { stat, label },
  ];
  const { queueName, deadLetterQueueName } = runtime;
  return [
    {
      title: "Tasks in the queue",
      metrics: [
        queue(queueName, "ApproximateNumberOfMessagesVisible", "waiting"),
        queue(queueName, "ApproximateNumberOfMessagesNotVisible", "in work"),
        queue(deadLetterQueueName, "ApproximateNumberOfMessagesVisible", "dead letters"),
      ],
    },
    {
      title: "Oldest task, seconds",
      metrics: [queue(queueName, "ApproximateAgeOfOldestMessage", "age")],
    },
    {
      title: "Tasks per minute",
      metrics: [
        agent(TASKS_COMPLETED_METRIC, "Sum", "completed"),
        agent(TASKS_FAILED_METRIC, "Sum", "failed"),
        agent(TASKS_RETRIED_METRIC, "Sum", "tried again"),
      ],
    },
    {
      title: "Seconds of a task",
      metrics: [
        agent(TASK_WAIT_METRIC, "Average", "until the first attempt"),
        agent(TASK_RUN_METRIC, "Average", "in the runtime"),
      ],
    },
  ];
}
