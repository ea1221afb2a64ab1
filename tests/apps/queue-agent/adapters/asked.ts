import assert from "node:assert/strict";
import type {
  Adapter,
  RuntimeImage,
  RuntimeResult,
  RuntimeTask,
} from "../../../../apps/queue-agent/adapters/adapter";
import { TaskFailed } from "../../../../apps/queue-agent/taskFailed";
import type { FailureCode } from "../../../../contracts/tasks/record";

/** A signal that never aborts. */
export const always: AbortSignal = new AbortController().signal;

export function taskOf(
  type: RuntimeTask["type"],
  content: RuntimeTask["content"],
  headers: RuntimeTask["headers"] = {},
): RuntimeTask {
  return { id: "task-1", type, content, headers };
}

/** The bytes of a result's images. */
export function bytesOf({ images }: RuntimeResult): Promise<readonly Buffer[]> {
  return Promise.all(images.map(bytesOfImage));
}

export async function bytesOfImage(image: RuntimeImage): Promise<Buffer> {
  const body = await image.body();
  if (Buffer.isBuffer(body)) return body;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Nothing comes of the task, for this kind of reason. */
export async function failsAs(
  code: FailureCode,
  message: RegExp,
  run: Promise<unknown>,
): Promise<TaskFailed> {
  const error = await run.then(
    () => assert.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TaskFailed, `no TaskFailed but ${String(error)}`);
  assert.match(error.message, message);
  assert.equal(error.code, code);
  return error;
}

/** Runs a task, aborts it with this reason once the condition holds, and gives what it throws. */
export async function aborted(
  adapter: Adapter,
  task: RuntimeTask,
  condition: () => boolean,
): Promise<unknown> {
  const controller = new AbortController();
  const run = adapter.run(task, controller.signal);
  run.catch(() => {});
  await until(condition);
  controller.abort(new Error("the claim is lost"));
  return run.then(
    () => assert.fail("it did not stop"),
    (error: unknown) => error,
  );
}

/** Waits until a condition holds; mocha's timeout is its end. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((again) => setTimeout(again, 5));
}
