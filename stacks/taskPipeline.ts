import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { DeadLetters } from "../components/alarms";
import { RuntimeQueue, type RuntimeQueueFacts } from "../components/runtimeQueue";
import type { Scope } from "../components/scope";
import { type TaskStore, TaskStores } from "../components/taskStores";
import { TaskTable } from "../components/taskTable";
import { TaskTopics } from "../components/taskTopics";
import type { AlarmedTopic } from "../components/topicAlarm";
import type { FleetConfig } from "./config/schema";
import { longestTimes, runtimeTimes } from "./taskTimes";

/** What tasks go through, from the API to the agents and back. */
export interface TaskPipeline {
  /** By runtime. */
  readonly queues: ReadonlyMap<string, RuntimeQueueFacts>;
  readonly table: { readonly name: pulumi.Output<string>; readonly arn: pulumi.Output<string> };
  readonly results: TaskStore;
  readonly inputs: TaskStore;
  readonly taskTopicArn: pulumi.Output<string>;
  readonly resultTopicArn: pulumi.Output<string>;
  /** Of both topics. */
  readonly topicKeyArn: pulumi.Output<string>;
  readonly alarmedTopics: readonly AlarmedTopic[];
  /** Dead-letter queues that somebody has to be told of. */
  readonly deadLetters: readonly DeadLetters[];
  /** What the API and agents have to wait for. */
  readonly ready: readonly pulumi.Resource[];
}

export interface TaskPipelineArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
}

/** The topics, a queue per runtime, the table and the buckets of the asynchronous path. */
export function taskPipeline(
  { scope, config }: TaskPipelineArgs,
  awsProvider: aws.Provider,
): TaskPipeline {
  const opts = { providers: { aws: awsProvider } };
  const { subscribers, results } = config.async;
  const topics = new TaskTopics("task-topics", { scope, subscribers }, opts);
  const table = new TaskTable("task-table", { scope }, opts);
  const { inputDays } = longestTimes(config.async);
  const stores = new TaskStores("task-stores", { scope, results, inputDays }, opts);
  const queues = Object.keys(config.async.runtimes).map(
    (runtime) =>
      [
        runtime,
        new RuntimeQueue(
          `tasks-${runtime}`,
          {
            scope,
            runtime,
            times: runtimeTimes(config.async, runtime),
            taskTopicArn: topics.taskTopicArn,
          },
          opts,
        ),
      ] as const,
  );
  return {
    queues: new Map(queues),
    table: { name: table.name, arn: table.arn },
    results: stores.results,
    inputs: stores.inputs,
    taskTopicArn: topics.taskTopicArn,
    resultTopicArn: topics.resultTopicArn,
    topicKeyArn: topics.keyArn,
    alarmedTopics: topics.alarmed,
    deadLetters: queues.map(([, queue]) => queue.deadLetters),
    ready: [
      ...topics.ready,
      ...table.ready,
      ...stores.ready,
      ...queues.flatMap(([, queue]) => queue.ready),
    ],
  };
}
