import assert from "node:assert/strict";
import { PNG } from "pngjs";
import {
  idleMilliseconds,
  type RecordingRuntime,
  requestsPerSecond,
  startRecordingRuntime,
} from "../../../cli/bench/recordingRuntime";
import { GENERATIONS_PATH } from "../../../contracts/inferenceApi";

describe("a recording runtime", () => {
  let runtime: RecordingRuntime;
  before(async () => {
    runtime = await startRecordingRuntime();
  });
  after(() => runtime.stop());

  const generate = async () => {
    const body = JSON.stringify({ prompt: "a cat" });
    const response = await fetch(`${runtime.url}${GENERATIONS_PATH}`, { method: "POST", body });
    return (await response.json()) as { readonly data: readonly { readonly b64_json: string }[] };
  };

  it("answers with an image of about 150 KB, as our inference server does", async () => {
    const { data } = await generate();
    const image = Buffer.from(data[0]!.b64_json, "base64");
    assert.equal(PNG.sync.read(image).width, 230);
    assert.ok(Math.abs(image.length / 1024 - 150) < 5, `${image.length} bytes`);
  });

  it("records each request that it works on, and not what asks whether it is ready", async () => {
    runtime.restart(0);
    assert.equal((await fetch(`${runtime.url}/readiness`)).status, 200);
    await generate();
    await generate();
    assert.equal(runtime.busy.length, 2);
  });

  it("is busy for as long as it was told, and begins a new record when told anew", async () => {
    runtime.restart(80);
    await generate();
    const [{ from, to }] = runtime.busy as [{ from: number; to: number }];
    // Timers may be a millisecond early.
    assert.ok(to - from >= 79, `${to - from} ms`);
    runtime.restart(0);
    assert.deepEqual(runtime.busy, []);
  });
});

describe("a record of requests", () => {
  const busy = [
    { from: 0, to: 500 },
    { from: 510, to: 970 },
    { from: 1000, to: 1500 },
  ];

  it("tells how long the runtime stood idle between them", () => {
    assert.deepEqual(idleMilliseconds(busy), [10, 30]);
    assert.deepEqual(idleMilliseconds([]), []);
  });

  it("tells how many there were a second, from start to start", () => {
    assert.equal(requestsPerSecond(busy), 2);
    assert.throws(() => requestsPerSecond(busy.slice(0, 1)), RangeError);
  });
});
