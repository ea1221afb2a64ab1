import assert from "node:assert/strict";

/** Waits until something holds, which is asked over and over. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !(await holds()); ) {
    assert.ok(performance.now() < deadline, `in ${timeoutMs / 1000} s: ${what}`);
    await new Promise((again) => setTimeout(again, 10));
  }
}
