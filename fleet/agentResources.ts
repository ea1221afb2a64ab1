import type { PodResources, Resources } from "./podResources";

/** How an asynchronous runtime's pod shares what it may request between the agent and the runtime. */

/** CPU that an agent requests, millicores; it may use more where the runtime leaves some. */
export const agentCpuMillis = 200;

/** Memory of an agent without any input, MiB: twice the 128 that it is held to at work. */
export const agentBaseMemoryMiB = 256;

/**
 * How often an agent may hold a task's inputs at a time, in base64 (4/3): of the task that is
 * prepared, of the one that runs, and twice in the request to the runtime.
 */
export const inputCopies = 6;

/**
 * What an agent requests.
 *
 * @param inputMiB most MiB of a task's inputs together
 */
export function agentResources(inputMiB: number): Resources {
  return {
    cpuMillis: agentCpuMillis,
    memoryMiB: agentBaseMemoryMiB + Math.ceil(inputCopies * inputMiB),
  };
}

/** The largest part of a pod's memory that an agent may take from its runtime. */
export const agentMemoryPart = 0.25;

/** What is left of a pod's resources for the runtime. */
export function runtimeResources(pod: PodResources, agent: Resources): PodResources {
  return {
    cpuMillis: pod.cpuMillis - agent.cpuMillis,
    memoryMiB: pod.memoryMiB - agent.memoryMiB,
    sharedMemoryMiB: pod.sharedMemoryMiB,
  };
}
