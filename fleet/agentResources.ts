import type { PodResources, Resources } from "./podResources";

/** How an asynchronous runtime's pod shares what it may request between the agent and the runtime. */

/** CPU that an agent requests, millicores; it may use more where the runtime leaves some. */
export const agentCpuMillis = 200;

/** Memory of an agent beside inputs and answers, MiB: twice the 128 that it is held to at work. */
export const agentBaseMemoryMiB = 256;

/**
 * Most MiB of a runtime's answer that an agent reads as a whole: 36 images of 2 MiB, a PNG image of
 * 1024 by 1024 pixels, in base64 (4/3). Far below what V8 holds as one string.
 */
export const answerMiB = 96;

export const answerBytes = answerMiB * 2 ** 20;

/**
 * How often an agent may hold an answer at a time: its chunks, the whole, the text and what is read
 * from that, while images of the answer before it are stored.
 *
 * Measured, as `inputCopies`, on Node 20: the largest resident set with answers of this size and
 * inputs of 1 to 370 MiB, garbage that is not collected yet included.
 */
export const answerCopies = 6;

/**
 * How often an agent may hold a task's inputs at a time: of the task that is prepared as bytes and in
 * base64 (4/3), of the one that runs in base64 and in the request.
 */
export const inputCopies = 7;

/** Part of an agent's memory that is V8's heap; the rest is buffers of images, code and stacks. */
export const agentHeapPart = 0.5;

/**
 * Most characters of one string in V8, which is what a request with its inputs in base64 is.
 *
 * Source: Node.js, buffer.constants.MAX_STRING_LENGTH, on 64 bits since Node 15.
 */
export const longestString = 2 ** 29 - 24;

/** Left in a request for what is no input: the API takes 6 MiB (contracts/tasks/api.ts). */
const contentMiB = 8;

/** Most MiB of a task's inputs together that fit into one request, in base64 (4/3). */
export const largestInputMiB = Math.floor(((longestString / 2 ** 20 - contentMiB) * 3) / 4);

/**
 * What an agent requests.
 *
 * @param inputMiB most MiB of a task's inputs together
 */
export function agentResources(inputMiB: number): Resources {
  return {
    cpuMillis: agentCpuMillis,
    memoryMiB: agentBaseMemoryMiB + answerCopies * answerMiB + Math.ceil(inputCopies * inputMiB),
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
