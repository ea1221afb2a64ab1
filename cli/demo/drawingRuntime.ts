// A runtime that draws landscapes instead of running a model: our inference server's API on
// loopback, in a process of its own. Prints its port.
import { createHash, randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PNG } from "pngjs";
import { z } from "zod";
import { EDITS_PATH, GENERATIONS_PATH } from "../../contracts/inferenceApi";
import { landscape } from "./landscape";

/** What it looks at of the server's request; the rest is let by. */
const requestSchema = z.object({
  prompt: z.string().min(1).max(10_000),
  n: z.coerce.number().int().min(1).max(10).default(1),
  size: z
    .string()
    .regex(/^\d{2,4}x\d{2,4}$/, "WIDTHxHEIGHT")
    .default("512x512"),
  seed: z.coerce.number().int().min(0).optional(),
});

/** Most pixels of a side. */
const LONGEST_SIDE = 1024;

class Refused extends Error {}

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => {
    const status = error instanceof Refused ? 400 : 500;
    send(response, status, { error: { message: error.message } });
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url } = request;
  if (method === "GET" && (url === "/health" || url === "/readiness"))
    send(response, 200, { status: "ok" });
  else if (method === "POST" && url === GENERATIONS_PATH) {
    const fields = JSON.parse((await bodyOf(request)).toString()) as unknown;
    send(response, 200, drawn(fields, undefined));
  } else if (method === "POST" && url === EDITS_PATH) {
    const { fields, image } = await formOf(request);
    send(response, 200, drawn(fields, image));
  } else send(response, 404, { error: { message: `${method} ${url} is not known` } });
}

/** As OpenAI's images API answers. */
function drawn(fields: unknown, image: Buffer | undefined) {
  const { success, data: request, error } = requestSchema.safeParse(fields);
  if (!success) throw new Refused(z.prettifyError(error));
  const { prompt, n, size, seed = randomInt(2 ** 31) } = request;
  const [width, height] = size.split("x").map(Number) as [number, number];
  if (Math.max(width, height) > LONGEST_SIDE) throw new Refused(`size: at most ${LONGEST_SIDE}`);
  return {
    created: Math.floor(Date.now() / 1000),
    output_format: "png",
    size,
    data: Array.from({ length: n }, (_, index) => ({
      b64_json: picture(prompt, seed + index, width, height, image).toString("base64"),
      seed: seed + index,
    })),
  };
}

function picture(
  prompt: string,
  seed: number,
  width: number,
  height: number,
  image: Buffer | undefined,
): Buffer {
  const png = new PNG({ width, height });
  const of =
    image === undefined ? prompt : prompt + createHash("sha256").update(image).digest("hex");
  png.data = landscape(of, seed, width, height);
  if (image !== undefined) blend(png, decoded(image));
  return PNG.sync.write(png);
}

function decoded(image: Buffer): PNG {
  try {
    return PNG.sync.read(image);
  } catch {
    throw new Refused("image: no PNG");
  }
}

/** Half of each, so that one sees what it started from. */
function blend(onto: PNG, from: PNG): void {
  for (let y = 0; y < onto.height; y += 1)
    for (let x = 0; x < onto.width; x += 1) {
      const [fromX, fromY] = [
        Math.floor((x * from.width) / onto.width),
        Math.floor((y * from.height) / onto.height),
      ];
      for (const channel of [0, 1, 2]) {
        const at = (y * onto.width + x) * 4 + channel;
        const given = from.data[(fromY * from.width + fromX) * 4 + channel]!;
        onto.data[at] = (onto.data[at]! + given) / 2;
      }
    }
}

async function formOf(request: IncomingMessage) {
  const type = request.headers["content-type"] ?? "";
  const body = new Uint8Array(await bodyOf(request));
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const file = form.get("image");
  if (file === null || typeof file === "string") throw new Refused("image: a file is wanted");
  const fields = Object.fromEntries([...form].filter(([, value]) => typeof value === "string"));
  return { fields, image: Buffer.from(await file.arrayBuffer()) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
