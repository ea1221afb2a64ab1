import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { createLog, type LogLevel } from "../../../apps/service/log";

function logged(level: LogLevel, act: (log: ReturnType<typeof createLog>) => void) {
  const lines: string[] = [];
  const stream = new Writable({
    write: (line, _encoding, done) => {
      lines.push(line.toString());
      done();
    },
  });
  act(createLog(level, { app: "test" }, stream));
  return lines.map((line) => {
    assert.match(line, /^[^\n]+\n$/, "one line each");
    return JSON.parse(line);
  });
}

describe("A log", () => {
  it("writes JSON lines with time, level in a word, bindings and message", () => {
    const [line] = logged("info", (log) => log.info({ unit: "a" }, "said\nit"));
    const { time, ...rest } = line;
    assert.equal(new Date(time).toISOString(), time);
    assert.deepEqual(rest, { level: "info", app: "test", unit: "a", message: "said\nit" });
  });

  it("writes an error with its stack and its causes", () => {
    const error = new TypeError("outer", { cause: new Error("inner") });
    const [line] = logged("info", (log) => log.error({ error }, "failed"));
    assert.equal(line.level, "error");
    assert.equal(line.error.type, "TypeError");
    assert.match(line.error.stack, /TypeError: outer.*\n +at .*log\.test\.ts[\s\S]*Error: inner/);
    const [plain] = logged("info", (log) => log.error(error));
    assert.match(plain.error.stack, /log\.test\.ts/);
  });

  it("is as talkative as it is told to be", () => {
    const all = (log: ReturnType<typeof createLog>) => {
      log.debug("a");
      log.info("b");
      log.error("c");
    };
    assert.deepEqual(
      (["debug", "info", "error", "silent"] as const).map((level) => logged(level, all).length),
      [3, 2, 1, 0],
    );
  });
});
