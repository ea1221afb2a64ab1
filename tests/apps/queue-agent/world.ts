import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { METRIC_NAMESPACE } from "../../../contracts/metrics";
import { TABLE_KEY, type TaskRecord } from "../../../contracts/tasks/record";
import type { Notification } from "../../../contracts/tasks/result";
import type { QueueAgentSettings } from "../../../contracts/tasks/settings";
import { freePorts } from "../../cluster/controlPlane/freePorts";
import { type Moto, motoEnvironment } from "../../python/moto";

const bundler = resolve(__dirname, "../../../apps/bundle.mjs");

/** A message as the API publishes it, or what differs. */
export interface SentTask {
  readonly id: string;
  readonly key?: string;
  readonly runtime?: string;
  readonly tasktype?: string;
  readonly prefix?: string;
  readonly requestHash?: string;
  readonly context?: unknown;
  readonly content?: unknown;
  readonly contentKey?: string;
  readonly submittedAt?: string;
}

/** AWS as an agent finds it, on a moto, under names of its own. */
export class World {
  static #count = 0;
  readonly name: string;
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly bucket: string;
  readonly inputsBucket: string;
  queueUrl = "";
  deadLetterQueueUrl = "";
  #subscriberUrl = "";
  #topicArn = "";
  readonly #agents: AgentProcess[] = [];
  readonly #told: Notification[] = [];
  readonly #dead: Message[] = [];

  private constructor(readonly moto: Moto) {
    World.#count += 1;
    this.name = `drawing-${World.#count}`;
    this.bucket = `results-${this.name}`;
    this.inputsBucket = `inputs-${this.name}`;
    const options = {
      endpoint: moto.endpoint,
      region: "us-west-2",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    this.dynamodb = new DynamoDBClient(options);
    this.s3 = new S3Client({ ...options, forcePathStyle: true });
    this.sns = new SNSClient(options);
    this.sqs = new SQSClient(options);
  }

  static async create(moto: Moto): Promise<World> {
    const world = new World(moto);
    await world.#create();
    return world;
  }

  get tableName(): string {
    return `tasks-${this.name}`;
  }

  get topicArn(): string {
    return this.#topicArn;
  }

  async #create(): Promise<void> {
    const { name } = this;
    const queue = async (QueueName: string) =>
      (await this.sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl as string;
    this.queueUrl = await queue(`tasks-${name}`);
    this.deadLetterQueueUrl = await queue(`tasks-${name}-dead-letters`);
    this.#subscriberUrl = await queue(`subscriber-${name}`);
    const { Attributes } = await this.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#subscriberUrl,
        AttributeNames: ["QueueArn"],
      }),
    );
    const { TopicArn } = await this.sns.send(new CreateTopicCommand({ Name: `results-${name}` }));
    this.#topicArn = TopicArn as string;
    await this.sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: "sqs",
        Endpoint: Attributes?.QueueArn,
        Attributes: { RawMessageDelivery: "true" },
      }),
    );
    for (const Bucket of [this.bucket, this.inputsBucket])
      await this.s3.send(
        new CreateBucketCommand({
          Bucket,
          CreateBucketConfiguration: { LocationConstraint: "us-west-2" },
        }),
      );
    await this.dynamodb.send(
      new CreateTableCommand({
        TableName: this.tableName,
        KeySchema: [{ AttributeName: TABLE_KEY, KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: TABLE_KEY, AttributeType: "S" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
  }

  /** As the API does it: first the record, then the message. */
  async submit(task: SentTask, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.putRecord({ id: task.id, ...(task.key !== undefined && { key: task.key }) });
    await this.send(messageBody(this.name, { requestHash: REQUEST_HASH, ...task }), attributes);
  }

  /** A record that waits, or what differs. */
  async putRecord(record: Partial<TaskRecord> & { readonly id: string }): Promise<void> {
    const full = {
      key: record.id,
      runtime: this.name,
      type: "text-to-image",
      state: "queued",
      requestHash: REQUEST_HASH,
      createdAt: new Date().toISOString(),
      attempts: 0,
      expiresAt: Math.floor(Date.now() / 1000) + 3600,
      ...record,
    };
    await this.dynamodb.send(
      new PutItemCommand({ TableName: this.tableName, Item: marshall(full) }),
    );
  }

  async send(body: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.queueUrl,
        MessageBody: body,
        MessageAttributes: textAttributes({ runtime: this.name, ...attributes }),
      }),
    );
  }

  async record(key: string): Promise<TaskRecord | undefined> {
    const { Item } = await this.dynamodb.send(
      new GetItemCommand({
        TableName: this.tableName,
        Key: marshall({ [TABLE_KEY]: key }),
        ConsistentRead: true,
      }),
    );
    return Item && (unmarshall(Item) as TaskRecord);
  }

  /** What subscribers were told so far. */
  async notifications(): Promise<readonly Notification[]> {
    for (const { Body } of await this.#drained(this.#subscriberUrl))
      this.#told.push(JSON.parse(Body as string) as Notification);
    return this.#told;
  }

  /** What is in the dead-letter queue. */
  async deadLetters(): Promise<readonly Message[]> {
    this.#dead.push(...(await this.#drained(this.deadLetterQueueUrl)));
    return this.#dead;
  }

  /** Messages in the runtime's queue: visible, and in work. */
  async queueLength(): Promise<{ readonly visible: number; readonly inWork: number }> {
    const { Attributes } = await this.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.queueUrl, AttributeNames: ["All"] }),
    );
    return {
      visible: Number(Attributes?.ApproximateNumberOfMessages),
      inWork: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
    };
  }

  /** Keys of the objects under a prefix, in their order. */
  async objects(prefix = "", bucket = this.bucket): Promise<readonly string[]> {
    const { Contents = [] } = await this.s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }),
    );
    return Contents.map(({ Key }) => Key as string);
  }

  async object(key: string): Promise<{ readonly type: string; readonly bytes: Buffer }> {
    const { Body, ContentType } = await this.s3.send(
      new GetObjectCommand({ Bucket: this.bucket, Key: key }),
    );
    return {
      type: ContentType as string,
      bytes: Buffer.from(await (Body as NonNullable<typeof Body>).transformToByteArray()),
    };
  }

  async putInput(key: string, body: string | Buffer): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket: this.inputsBucket, Key: key, Body: body }));
  }

  async putResult(key: string, body: string): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }));
  }

  /** Starts an agent for a runtime that speaks `fleet`. */
  async agent(
    runtimeUrl: string,
    differing: Partial<QueueAgentSettings> & Readonly<Record<string, string>> = {},
  ): Promise<AgentProcess> {
    const [port] = await freePorts(1);
    const agent = new AgentProcess({
      ...motoEnvironment(this.moto),
      NODE_NO_WARNINGS: "1",
      STACK: "dev",
      RUNTIME: this.name,
      ADAPTER: "fleet",
      RUNTIME_URL: runtimeUrl,
      QUEUE_URL: this.queueUrl,
      DEAD_LETTER_QUEUE_URL: this.deadLetterQueueUrl,
      TABLE_NAME: this.tableName,
      RESULTS_BUCKET: this.bucket,
      INPUTS_BUCKET: this.inputsBucket,
      RESULT_TOPIC_ARN: this.#topicArn,
      INPUT_HOSTS: "",
      INPUT_BUCKETS: "",
      INPUT_BYTES: String(64 * 1024 ** 2),
      NOTIFY_RUNNING: "false",
      DYNAMIC_MODEL: "false",
      VISIBILITY_SECONDS: "2",
      HEARTBEAT_SECONDS: "0.5",
      MAX_ATTEMPTS: "3",
      MAX_RECEIVE_COUNT: "13",
      LONGEST_TASK_SECONDS: "60",
      DRAIN_SECONDS: "20",
      TASK_TTL_SECONDS: "3600",
      METRIC_NAMESPACE,
      POD_NAME: `pod-${this.#agents.length + 1}`,
      PORT: String(port),
      LOG_LEVEL: "info",
      ...differing,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Kills the agents that still run. */
  end(): void {
    for (const agent of this.#agents) agent.kill("SIGKILL");
    for (const client of [this.dynamodb, this.s3, this.sns, this.sqs]) client.destroy();
  }

  async #drained(queueUrl: string): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const { Messages = [] } = await this.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ["All"],
          WaitTimeSeconds: 0,
        }),
      );
      if (Messages.length === 0) return all;
      for (const { ReceiptHandle } of Messages)
        await this.sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      all.push(...Messages);
    }
  }
}

let bundle: string | undefined;

/** The agent's bundle, built once for all suites, as its image has it. */
function agentBundle(): string {
  if (bundle === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "fleet-agent-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    bundle = join(folder, "main.cjs");
    execFileSync(process.execPath, [bundler, "queue-agent", bundle]);
  }
  return bundle;
}

/** An agent's process, and what it says. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  #output = "";

  constructor(readonly env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [agentBundle()], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
    this.ended = once(this.#child, "close").then(([status]) => status as number | null);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get url(): string {
    return `http://127.0.0.1:${this.env.PORT}`;
  }

  get output(): string {
    return this.#output;
  }

  /** Its log and its metrics, a line each. */
  get lines(): readonly Readonly<Record<string, unknown>>[] {
    return this.#output
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

const REQUEST_HASH = "0".repeat(64);

export function messageBody(runtime: string, task: SentTask): string {
  const { id, key, tasktype = "text-to-image", prefix, context, contentKey, submittedAt } = task;
  const content = contentKey === undefined ? (task.content ?? { prompt: `of ${id}` }) : undefined;
  return JSON.stringify({
    metadata: { id, runtime: task.runtime ?? runtime, tasktype, prefix, context },
    content,
    contentKey,
    key,
    submittedAt,
    requestHash: task.requestHash,
  });
}

export function textAttributes(
  attributes: Readonly<Record<string, string>>,
): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, StringValue]) => [
      name,
      { DataType: "String", StringValue },
    ]),
  );
}

/** Asks until it is so; after half a minute the last answer is the failure. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  isSo: (answer: T) => boolean = Boolean,
): Promise<T> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}
