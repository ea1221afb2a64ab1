/** How an agent stops: nothing new, what waits goes back at once, what runs may finish. */

import type { StopStep } from "../service/stop";
import type { Agent, Claimed, Finished, Prepared } from "./agent";
import type { Delivery } from "./delivery";
import type { Heartbeat } from "./heartbeat";
import type { Pipeline } from "./pipeline";
import type { Readiness } from "./readiness";
import type { Receiver } from "./receiver";
import type { Teller } from "./teller";

export interface DrainParts {
  readonly receiver: Receiver;
  readonly readiness: Readiness;
  readonly agent: Agent;
  readonly pipeline: Pipeline<Delivery, Prepared, Claimed, Finished>;
  readonly teller: Teller;
  readonly heartbeat: Heartbeat;
  /** Until what runs has to have ended. */
  readonly drainSeconds: number;
}

/** Of the drain, to hand a task back: a tenth, five seconds at most. */
const HAND_BACK_SHARE = 0.1;
const HAND_BACK_SECONDS = 5;

/** Between the end of the drain and the end of the process, whatever is left. */
const END_SECONDS = 5;

/** Seconds until what runs is broken off. */
export function breakOffSeconds(drainSeconds: number): number {
  return drainSeconds - Math.min(HAND_BACK_SECONDS, drainSeconds * HAND_BACK_SHARE);
}

/** Milliseconds until the process ends in any case. */
export function deadlineMs(drainSeconds: number): number {
  return (drainSeconds + END_SECONDS) * 1000;
}

export function drainSteps(parts: DrainParts): readonly StopStep[] {
  const { receiver, readiness, agent, pipeline, teller, heartbeat, drainSeconds } = parts;
  return [
    {
      name: "stop receiving",
      stop: () => {
        receiver.stop();
        readiness.stop();
      },
    },
    {
      name: "end what was begun",
      stop: async () => {
        agent.stop();
        pipeline.stop();
        heartbeat.hurry();
        const timer = setTimeout(() => agent.breakOff(), breakOffSeconds(drainSeconds) * 1000);
        await pipeline.idle();
        clearTimeout(timer);
      },
    },
    { name: "tell of what has ended", stop: () => teller.finish() },
    { name: "end the last poll", stop: () => receiver.end() },
    { name: "stop the heartbeats", stop: () => heartbeat.stop() },
  ];
}
