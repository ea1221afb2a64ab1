import { PODS, podsCard, podsHeight } from "./podsCard";
import { edge, label, stationCard, store } from "./shapes";
import type { SystemRuntime, SystemTasks } from "./system";

const API = { x: 8, width: 148 };
const TOPIC = { x: 180, width: 124 };
const QUEUE = { x: 328, width: 284 };

/** Room above the first row, for its heading. */
const HEADING = 40;
const LEAST_HEIGHT = 92;

/** The asynchronous path as a part of the picture, below the realtime one. */
export interface TaskPicture {
  readonly parts: readonly string[];
  /** Middles of the runtimes' cards, in their order. */
  readonly runtimeMiddles: readonly number[];
  readonly bottom: number;
}

/**
 * From the clients by API, topic and queues to the runtimes, and to the results.
 *
 * @param clientsBottom where the clients' drawing ends
 * @param results where the store of the results is, from left to right
 */
export function taskPicture(
  { endpoint, runtimes }: SystemTasks,
  top: number,
  clients: { readonly x: number; readonly bottom: number },
  results: { readonly x: number; readonly width: number },
): TaskPicture {
  const height = Math.max(podsHeight(runtimes.length), LEAST_HEIGHT);
  const middle = top + HEADING + height / 2;
  const first = middle - podsHeight(runtimes.length) / 2;
  const tops = runtimes.map((_, index) => first + index * (PODS.height + PODS.gap));
  const middles = tops.map((y) => y + PODS.height / 2);
  const right = ({ x, width }: { x: number; width: number }) => x + width;
  return {
    runtimeMiddles: middles,
    bottom: top + HEADING + height,
    parts: [
      label(TOPIC.x, top + 24, "tasks, one queue for each runtime", "soft"),
      label(PODS.x, top + 24, "runtimes of the queues", "soft"),
      `<path class="traffic" stroke-width="5" d="M${clients.x} ${clients.bottom}V${middle - 46}"/>`,
      edge(right(API), middle, TOPIC.x, middle, 5),
      ...middles.flatMap((y) => [
        edge(right(TOPIC), middle, QUEUE.x, y, 3),
        edge(right(QUEUE), y, PODS.x, y, 3),
        edge(right(PODS), y, results.x, middle, 3),
      ]),
      stationCard(API, middle, ["Task API", "API Gateway, Lambda", endpoint ?? ""]),
      stationCard(TOPIC, middle, ["Topic", "SNS", "filters by runtime"]),
      ...runtimes.flatMap((runtime, index) => [
        stationCard(QUEUE, middles[index]!, [runtime.queue, "SQS", "with dead letters"]),
        podsCard(runtime, tops[index]!, costs(runtime)),
      ]),
      store(results, middle, ["Results", "S3", "SNS tells of them"]),
    ],
  };
}

function costs({ summary }: SystemRuntime): readonly string[] {
  if (summary === undefined) return [];
  return [
    `$${summary.pricePerHour.toFixed(4)} an hour`,
    `a replica for ${summary.tasksPerReplica} tasks`,
  ];
}
