/**
 * The times of a runtime's queue, all from the longest task, the attempts and the longest backlog:
 *
 *     heartbeat           20 s                    an agent that works says so this often
 *     visibility, claim   3 × heartbeat           two heartbeats may get lost; a dead agent's task is free after it
 *     receives            attempts + 10           attempts, and returns that are no attempts
 *     retention           backlog + receives × (longest task + visibility), 14 days at most
 *     dead letters        14 days                 SQS's longest
 *     drain               longest task + 30 s     to finish a task and store its results after SIGTERM
 *     grace of a pod      drain + 15 s            and to end
 *     message             retention + dead letters + retention: it may wait, fail, and wait once more
 *     record              as long as a message may live, or the results' days where that is more
 *     inputs              as long as a message may live, in whole days
 */

/** Seconds between two heartbeats of an agent that works on a task. */
export const heartbeatSeconds = 20;

/** Seconds that a task is its agent's from a heartbeat on. */
export const visibilitySeconds = 3 * heartbeatSeconds;

/**
 * Seconds before the expected end of a run that the next task is received, so that its inputs are
 * there when its turn comes.
 */
export const receiveAheadSeconds = 5;

/**
 * Returns of a task, before it is taken for poison, that are no attempts: by pods that had to stop,
 * by a pod that is busy for longer than expected (once), and by pods whose runtime is not ready.
 */
export const allowedReturns = 10;

/** Seconds to store a task's results and to tell of them. */
export const storeSeconds = 30;

/** Seconds that a process has to end, when its work is done. */
export const endSeconds = 15;

const day = 24 * 3600;

/** Longest retention of a queue. Source: Amazon SQS developer guide, "Amazon SQS message quotas". */
export const longestRetentionSeconds = 14 * day;

/** Longest invisibility of a message from its receipt on. Source: the same. */
export const longestVisibilitySeconds = 12 * 3600;

export interface QueueDemand {
  /** Seconds that a task may take. */
  readonly longestTaskSeconds: number;
  /** Attempts until a task that fails is a dead letter. */
  readonly maxAttempts: number;
  /** Hours that a task may wait for its turn. */
  readonly backlogHours: number;
  /** Days that results are kept. */
  readonly resultDays: number;
}

export interface QueueTimes {
  readonly heartbeatSeconds: number;
  readonly visibilitySeconds: number;
  readonly maxReceiveCount: number;
  readonly retentionSeconds: number;
  readonly deadLetterRetentionSeconds: number;
  readonly drainSeconds: number;
  readonly podGraceSeconds: number;
  readonly recordSeconds: number;
  readonly inputDays: number;
}

/**
 * Seconds that a task may be in the queue, whatever SQS makes of it: its wait, and all attempts and
 * returns.
 */
export function wantedRetentionSeconds({
  longestTaskSeconds,
  maxAttempts,
  backlogHours,
}: Omit<QueueDemand, "resultDays">): number {
  const receives = maxAttempts + allowedReturns;
  return backlogHours * 3600 + receives * (longestTaskSeconds + visibilitySeconds);
}

/** The times of one runtime's queue. */
export function queueTimes(demand: QueueDemand): QueueTimes {
  const maxReceiveCount = demand.maxAttempts + allowedReturns;
  const retentionSeconds = Math.min(longestRetentionSeconds, wantedRetentionSeconds(demand));
  const deadLetterRetentionSeconds = longestRetentionSeconds;
  const drainSeconds = demand.longestTaskSeconds + storeSeconds;
  const messageSeconds = retentionSeconds + deadLetterRetentionSeconds + retentionSeconds;
  return {
    heartbeatSeconds,
    visibilitySeconds,
    maxReceiveCount,
    retentionSeconds,
    deadLetterRetentionSeconds,
    drainSeconds,
    podGraceSeconds: drainSeconds + endSeconds,
    recordSeconds: Math.max(messageSeconds, demand.resultDays * day),
    inputDays: Math.ceil(messageSeconds / day),
  };
}
