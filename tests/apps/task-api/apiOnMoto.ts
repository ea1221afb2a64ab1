import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { RUNTIME_ATTRIBUTE, type TaskMessage } from "../../../contracts/tasks/message";
import { TABLE_KEY, type TaskRecord } from "../../../contracts/tasks/record";
import type { Runtime } from "../../../contracts/tasks/runtimes";
import type { TaskApiSettings } from "../../../contracts/tasks/settings";
import { type Moto, motoEnvironment } from "../../python/moto";

export const runtimes: readonly Runtime[] = [
  {
    name: "sdruntime",
    adapter: "webui",
    accelerator: "nvidia.com/gpu",
    types: ["text-to-image", "image-to-image", "extra-single-image"],
    longestTaskSeconds: 600,
  },
  {
    name: "comfy",
    adapter: "comfyui",
    accelerator: "nvidia.com/gpu",
    types: ["pipeline"],
    longestTaskSeconds: 600,
  },
];

/** A message as it lies in a runtime's queue. */
export interface Received {
  readonly body: TaskMessage;
  readonly bytes: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the API needs of AWS, on moto, with a queue per runtime behind the topic. */
export interface World {
  readonly environment: Readonly<Record<string, string>>;
  readonly s3: S3Client;
  record(key: string): Promise<TaskRecord | undefined>;
  write(record: TaskRecord): Promise<void>;
  /** All that is in a runtime's queue; afterwards nothing is. */
  receive(runtime: string): Promise<readonly Received[]>;
}

let worlds = 0;

export async function createWorld(
  moto: Moto,
  overrides: Partial<TaskApiSettings> = {},
): Promise<World> {
  worlds += 1;
  const name = `w${worlds}`;
  const aws = motoEnvironment(moto);
  const config = {
    endpoint: moto.endpoint,
    region: aws.AWS_REGION as string,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const dynamoDb = new DynamoDBClient(config);
  const sns = new SNSClient(config);
  const sqs = new SQSClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const tableName = `${name}-tasks`;
  await dynamoDb.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: TABLE_KEY, AttributeType: "S" }],
      KeySchema: [{ AttributeName: TABLE_KEY, KeyType: "HASH" }],
    }),
  );
  for (const bucket of ["results", "inputs"])
    await s3.send(
      new CreateBucketCommand({
        Bucket: `${name}-${bucket}`,
        CreateBucketConfiguration: { LocationConstraint: "us-west-2" },
      }),
    );
  const topic = await sns.send(new CreateTopicCommand({ Name: `${name}-tasks` }));
  const queues = new Map<string, string>();
  for (const runtime of runtimes) {
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName: `${name}-${runtime.name}` }),
    );
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
    );
    await sns.send(
      new SubscribeCommand({
        TopicArn: topic.TopicArn,
        Protocol: "sqs",
        Endpoint: Attributes?.QueueArn,
        Attributes: {
          RawMessageDelivery: "true",
          FilterPolicy: JSON.stringify({ [RUNTIME_ATTRIBUTE]: [runtime.name] }),
        },
      }),
    );
    queues.set(runtime.name, QueueUrl as string);
  }
  const settings: TaskApiSettings = {
    STACK: "test",
    TABLE_NAME: tableName,
    TASK_TOPIC_ARN: topic.TopicArn as string,
    RESULTS_BUCKET: `${name}-results`,
    INPUTS_BUCKET: `${name}-inputs`,
    RUNTIMES: JSON.stringify(runtimes),
    TASK_TTL_SECONDS: "86400",
    LINK_SECONDS: "600",
    UPLOAD_BYTES: "1000000",
    INPUT_HOSTS: "images.example.com,*.cdn.example.org",
    INPUT_BUCKETS: "our-images",
    METRIC_NAMESPACE: "fleet-test",
    ...(overrides as Record<string, string>),
  };
  return {
    environment: { ...aws, ...settings },
    s3,
    record: async (key) => {
      const { Item } = await dynamoDb.send(
        new GetItemCommand({
          TableName: tableName,
          Key: marshall({ [TABLE_KEY]: key }),
          ConsistentRead: true,
        }),
      );
      return Item && (unmarshall(Item) as TaskRecord);
    },
    write: async (record) => {
      await dynamoDb.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall(record, { removeUndefinedValues: true }),
        }),
      );
    },
    receive: async (runtime) => {
      const QueueUrl = queues.get(runtime);
      const received: Received[] = [];
      for (;;) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ["All"],
          }),
        );
        if (Messages.length === 0) return received;
        for (const { Body = "", MessageAttributes = {}, ReceiptHandle } of Messages) {
          received.push({
            body: JSON.parse(Body) as TaskMessage,
            bytes: Buffer.byteLength(Body),
            attributes: Object.fromEntries(
              Object.entries(MessageAttributes).map(([key, { StringValue = "" }]) => [
                key,
                StringValue,
              ]),
            ),
          });
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
      }
    },
  };
}

/** The API in a process of its own, as the demo starts it. */
export interface ApiProcess {
  readonly url: string;
  /** What it has printed, a line each. */
  readonly lines: readonly string[];
  stop(): Promise<number | null>;
}

const main = resolve(__dirname, "../../../apps/task-api/local.ts");

export async function startApi(
  environment: Readonly<Record<string, string>>,
  command: readonly string[] = ["-r", "ts-node/register/transpile-only", main],
): Promise<ApiProcess> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, command, {
    cwd: resolve(__dirname, "../../.."),
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const errors: string[] = [];
  child.stderr.on("data", (chunk) => errors.push(String(chunk)));
  const port = await new Promise<number>((listening, failed) => {
    child.once("exit", (code) =>
      failed(new Error(`the API ended with ${code}:\n${errors.join("")}`)),
    );
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const { message, port } = JSON.parse(line) as { message?: string; port?: number };
      if (message === "listening") listening(port as number);
    });
  });
  return { url: `http://127.0.0.1:${port}`, lines, stop: () => stopped(child) };
}

async function stopped(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = (await exit) as [number | null];
  return code;
}

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; of a text, undefined. */
  readonly body: T;
}

export async function send<T = Record<string, unknown>>(
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<T>> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (isJson && text !== "" ? JSON.parse(text) : undefined) as T,
  };
}
