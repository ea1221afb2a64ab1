import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runRedrive } from "../../../cli/tasks/redrive";
import { writeProject } from "./projectOf";
import { twoRuntimes } from "./twoRuntimes";

const arn = (name: string) => `arn:aws:sqs:us-west-2:123456789012:${name}`;
const queue = "diffusion-fleet-dev-tasks-drawings";

/**
 * Moving messages, which moto does not know, as SQS's JSON protocol has it. Source: Amazon SQS API
 * reference, StartMessageMoveTask and ListMessageMoveTasks.
 */
describe("fleet tasks redrive on SQS", () => {
  const asked: { readonly action: string; readonly input: Record<string, unknown> }[] = [];
  let moves: Record<string, unknown>[] = [];
  let waiting = "7";
  let server: Server;
  let root: string;
  const environment = { ...process.env };

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "fleet-redrive-"));
    writeProject(root, twoRuntimes);
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const input = JSON.parse(Buffer.concat(chunks).toString());
      const action = String(request.headers["x-amz-target"]).replace("AmazonSQS.", "");
      asked.push({ action, input });
      const name = String(input.QueueUrl ?? "")
        .split("/")
        .at(-1);
      const answers: Record<string, unknown> = {
        GetQueueUrl: {
          QueueUrl: `${process.env.AWS_ENDPOINT_URL}/123456789012/${input.QueueName}`,
        },
        GetQueueAttributes: {
          Attributes: { QueueArn: arn(name!), ApproximateNumberOfMessages: waiting },
        },
        StartMessageMoveTask: { TaskHandle: "handle" },
        ListMessageMoveTasks: { Results: [moves.length > 1 ? moves.shift() : moves[0]] },
      };
      response.writeHead(200, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(answers[action]));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env.AWS_ACCESS_KEY_ID = "test";
    process.env.AWS_SECRET_ACCESS_KEY = "test";
    process.env.AWS_REGION = "us-west-2";
  });
  after(() => {
    server.close();
    rmSync(root, { recursive: true });
    for (const name of [
      "AWS_ENDPOINT_URL",
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_REGION",
    ])
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
  });
  beforeEach(() => {
    asked.length = 0;
  });

  it("lets SQS move them back into the runtime's queue, and waits until it has", async () => {
    moves = [
      {
        Status: "RUNNING",
        ApproximateNumberOfMessagesMoved: 3,
        ApproximateNumberOfMessagesToMove: 7,
      },
      {
        Status: "COMPLETED",
        ApproximateNumberOfMessagesMoved: 7,
        ApproximateNumberOfMessagesToMove: 7,
      },
    ];
    const { status, printed } = await redrive();
    assert.equal(status, 0);
    assert.deepEqual([printed.moved, printed.waiting, printed.status], [7, 7, "COMPLETED"]);
    const start = asked.find(({ action }) => action === "StartMessageMoveTask");
    assert.deepEqual(start?.input, {
      SourceArn: arn(`${queue}-dead-letters`),
      DestinationArn: arn(queue),
    });
  });

  it("says how many are back, in words for one, several and not all of them", async () => {
    const said: readonly (readonly [moved: number, waiting: number, sentence: string])[] = [
      [1, 1, `1 message of 1 is back in ${queue}.`],
      [1, 2, `1 message of 2 is back in ${queue}.`],
      [2, 2, `2 messages of 2 are back in ${queue}.`],
      [0, 1, `0 messages of 1 are back in ${queue}.`],
    ];
    for (const [moved, waiting, sentence] of said) {
      moves = [
        {
          Status: "COMPLETED",
          ApproximateNumberOfMessagesMoved: moved,
          ApproximateNumberOfMessagesToMove: waiting,
        },
      ];
      assert.equal((await redrive({ json: false })).stdout, `${sentence}\n`);
    }
  });

  it("asks in the same words before it does anything", async () => {
    waiting = "1";
    await assert.rejects(
      redrive({ yes: false }),
      /About 1 message goes from .* and runs once more/,
    );
    waiting = "7";
    await assert.rejects(redrive({ yes: false }), /About 7 messages go from .* and run once more/);
    assert.deepEqual(
      asked.filter(({ action }) => action === "StartMessageMoveTask"),
      [],
    );
  });

  it("tells why SQS has stopped", async () => {
    moves = [
      { Status: "FAILED", ApproximateNumberOfMessagesMoved: 2, FailureReason: "AccessDenied" },
    ];
    const { status, printed } = await redrive();
    assert.equal(status, 1);
    assert.deepEqual(
      [printed.moved, printed.status, printed.failure],
      [2, "FAILED", "AccessDenied"],
    );
  });

  async function redrive(more: { json?: boolean; yes?: boolean } = {}) {
    const write = process.stdout.write;
    let stdout = "";
    process.stdout.write = ((text: string) => {
      stdout += text;
      return true;
    }) as typeof process.stdout.write;
    try {
      const options = { stack: "dev", json: true, yes: true, ...more };
      const status = await runRedrive(root, "drawings", options);
      return { status, stdout, printed: options.json ? JSON.parse(stdout) : undefined };
    } finally {
      process.stdout.write = write;
    }
  }
});
