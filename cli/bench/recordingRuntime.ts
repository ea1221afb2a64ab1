import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PNG } from "pngjs";
import { GENERATIONS_PATH } from "../../contracts/inferenceApi";

/** When a runtime was busy with a request, in milliseconds by `performance.now()`. */
export interface Busy {
  /** It had the whole request. */
  readonly from: number;
  /** It had handed over the whole answer. */
  readonly to: number;
}

/** A runtime that takes a fixed time and writes down when it was busy. */
export interface RecordingRuntime {
  readonly url: string;
  readonly busy: readonly Busy[];
  /** Starts a new record; requests take so long from now on. */
  restart(runMilliseconds: number): void;
  stop(): void;
}

/**
 * Answers as our inference server does, always with the same image: noise, 150 KB, which is what
 * seed 002's footnote says of an image.
 */
export async function startRecordingRuntime(): Promise<RecordingRuntime> {
  const answer = JSON.stringify({
    created: 1_785_542_400,
    output_format: "png",
    data: [{ b64_json: noise(230, 222).toString("base64") }],
  });
  let runMilliseconds = 0;
  let busy: Busy[] = [];
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url !== GENERATIONS_PATH) {
      response.end("{}");
      return;
    }
    request.resume().on("end", () => {
      const record = busy;
      const from = performance.now();
      const respond = () =>
        response.end(answer, () => record.push({ from, to: performance.now() }));
      if (runMilliseconds === 0) respond();
      else setTimeout(respond, runMilliseconds);
    });
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get busy() {
      return busy;
    },
    restart: (milliseconds) => {
      runMilliseconds = milliseconds;
      busy = [];
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Milliseconds between each request's end and the next one's start. */
export function idleMilliseconds(busy: readonly Busy[]): readonly number[] {
  return busy.slice(1).map(({ from }, index) => from - busy[index]!.to);
}

/** Requests a second from the first to the last one's start. */
export function requestsPerSecond(busy: readonly Busy[]): number {
  const [first, last] = [busy[0], busy.at(-1)];
  if (first === undefined || last === undefined || first === last)
    throw new RangeError("A rate needs two requests.");
  return ((busy.length - 1) / (last.from - first.from)) * 1000;
}

function noise(width: number, height: number): Buffer {
  const png = new PNG({ width, height });
  png.data = randomBytes(width * height * 4);
  return PNG.sync.write(png, { colorType: 2 });
}
