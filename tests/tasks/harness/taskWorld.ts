import { GetItemCommand, paginateScan } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { clientsAt, createFromPlan, type LocalWorld } from "../../../cli/localAws/localWorld";
import { MOTO_ACCOUNT, type Moto, motoEnvironment } from "../../../cli/localAws/moto";
import { TABLE_KEY, type TaskRecord } from "../../../contracts/tasks/record";
import { type Notification, notificationSchema } from "../../../contracts/tasks/result";
import { freePorts } from "../../cluster/controlPlane/freePorts";
import { planOf } from "../../program/planned";
import { type AwsCall, type Fate, startFaultyProxy } from "../../python/faultyProxy";
import { AppProcess } from "./appProcess";
import { appBundles } from "./bundles";
import { TaskClient } from "./taskClient";

/** Runtimes that a world may have, as the config has them. */
const runtimes = {
  drawing: "{adapter: fleet, model: sd21, accelerator: g5, framework: triton}",
  webui:
    "{adapter: webui, accelerator: g5, framework: cuda, image: {repository: r.example.com/webui, tag: '1'}}",
  comfyui:
    "{adapter: comfyui, accelerator: g6, framework: cuda, image: {repository: r.example.com/comfyui, tag: '1'}}",
} as const;

export type RuntimeName = keyof typeof runtimes;

/** Queue that is subscribed to the result topic. */
const LISTENER = "task-listener";

/** Of what the program plans, times that let a test end. */
export interface Times {
  readonly visibilitySeconds: number;
  readonly heartbeatSeconds: number;
  readonly longestTaskSeconds: number;
  readonly drainSeconds: number;
}

export interface WorldOptions {
  readonly runtimes: readonly RuntimeName[];
  /** Instead of the program's. */
  readonly times: Times;
  readonly notifyRunning?: boolean;
}

export interface AppOptions {
  /** What becomes of its calls to AWS. Default: all pass. */
  readonly decide?: (call: AwsCall) => Fate | Promise<Fate>;
  /** Is told of what AWS has done. */
  readonly answered?: (call: AwsCall, status: number) => void;
  /** More of its environment, or other values. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface AgentOptions extends AppOptions {
  readonly runtime: RuntimeName;
  readonly runtimeUrl: string;
}

/** A message of the dead-letter queue. */
export interface DeadLetter {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The asynchronous path on this machine: what the program plans of queues, topics, table and
 * buckets exists on moto, the API and the agents run as processes of their own with the planned
 * environment.
 */
export class TaskWorld {
  readonly clients: ReturnType<typeof clientsAt>;
  readonly #stops: (() => unknown)[] = [];
  readonly #notifications: Notification[] = [];
  readonly #deadLetters = new Map<RuntimeName, DeadLetter[]>();
  #agents = 0;

  private constructor(
    readonly moto: Moto,
    readonly local: LocalWorld,
    readonly options: WorldOptions,
    readonly listenerUrl: string,
  ) {
    this.clients = clientsAt(moto.endpoint, local.region);
  }

  static async start(moto: Moto, options: WorldOptions): Promise<TaskWorld> {
    const { times, notifyRunning = false } = options;
    const wanted = options.runtimes.map((name) => `${name}: ${runtimes[name]}`).join(", ");
    const plan = await planOf(
      "dev",
      `async={enabled: true, notifyRunning: ${notifyRunning}, runtimes: {${wanted}}}`,
      `async.subscribers.queueArns=["arn:aws:sqs:us-west-2:${MOTO_ACCOUNT}:${LISTENER}"]`,
    );
    const clients = clientsAt(moto.endpoint, plan.summary.region);
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: LISTENER }));
    const world = new TaskWorld(
      moto,
      await createFromPlan(plan, moto.endpoint),
      options,
      QueueUrl!,
    );
    for (const name of options.runtimes)
      await clients.sqs.send(
        new SetQueueAttributesCommand({
          QueueUrl: world.queueUrl(name),
          Attributes: { VisibilityTimeout: String(times.visibilitySeconds) },
        }),
      );
    return world;
  }

  get resultsBucket(): string {
    return this.local.taskApi!.RESULTS_BUCKET!;
  }

  get inputsBucket(): string {
    return this.local.taskApi!.INPUTS_BUCKET!;
  }

  get taskTopicArn(): string {
    return this.local.taskApi!.TASK_TOPIC_ARN!;
  }

  queueUrl(runtime: RuntimeName): string {
    return this.local.agents.get(runtime)!.QUEUE_URL!;
  }

  deadLetterQueueUrl(runtime: RuntimeName): string {
    return this.local.agents.get(runtime)!.DEAD_LETTER_QUEUE_URL!;
  }

  /** Starts the API, and waits until it listens. */
  async startApi(options: AppOptions = {}): Promise<TaskClient> {
    const app = await this.#started((await appBundles()).taskApi, options, {
      ...this.local.taskApi,
      PORT: "0",
      AWS_LAMBDA_FUNCTION_NAME: "task-api",
    });
    const port = await app.told("where it listens", (line) =>
      line.message === "listening" ? line.port : undefined,
    );
    return new TaskClient(`http://127.0.0.1:${port}`);
  }

  /** Starts an agent with an AWS of its own in front. It may be ended and started again. */
  async startAgent(options: AgentOptions): Promise<Agent> {
    const endpoint = await this.#endpoint(options);
    const { queueAgent } = await appBundles();
    const { times } = this.options;
    const planned = this.local.agents.get(options.runtime)!;
    const agent = new Agent(async () => {
      const [port] = await freePorts(1);
      return new AppProcess(queueAgent, {
        ...planned,
        // The SDK goes where the queue's URL leads.
        QUEUE_URL: behind(endpoint, planned.QUEUE_URL!),
        DEAD_LETTER_QUEUE_URL: behind(endpoint, planned.DEAD_LETTER_QUEUE_URL!),
        VISIBILITY_SECONDS: String(times.visibilitySeconds),
        HEARTBEAT_SECONDS: String(times.heartbeatSeconds),
        LONGEST_TASK_SECONDS: String(times.longestTaskSeconds),
        DRAIN_SECONDS: String(times.drainSeconds),
        RUNTIME_URL: options.runtimeUrl,
        POD_NAME: `agent-${++this.#agents}`,
        PORT: String(port),
        ...motoEnvironment({ endpoint }),
        ...options.environment,
      });
    });
    this.#stops.push(() => agent.end());
    await agent.start();
    return agent;
  }

  /** Something else that ends with this world. */
  onStop(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  async record(key: string): Promise<TaskRecord | undefined> {
    const { Item } = await this.clients.dynamodb.send(
      new GetItemCommand({
        TableName: this.local.taskApi!.TABLE_NAME,
        Key: { [TABLE_KEY]: { S: key } },
        ConsistentRead: true,
      }),
    );
    return Item && (unmarshall(Item) as TaskRecord);
  }

  /** All of the table, by key. */
  async records(): Promise<ReadonlyMap<string, TaskRecord>> {
    const records = new Map<string, TaskRecord>();
    const pages = paginateScan(
      { client: this.clients.dynamodb },
      { TableName: this.local.taskApi!.TABLE_NAME, ConsistentRead: true },
    );
    for await (const { Items = [] } of pages)
      for (const item of Items) {
        const record = unmarshall(item) as TaskRecord;
        records.set(record.key, record);
      }
    return records;
  }

  /** Bytes of a result. */
  async object(key: string): Promise<Buffer> {
    const { Body } = await this.clients.s3.send(
      new GetObjectCommand({ Bucket: this.resultsBucket, Key: key }),
    );
    return Buffer.from(await Body!.transformToByteArray());
  }

  /** MD5 (hexadecimal) of the results below a prefix, by key. */
  async results(prefix = ""): Promise<ReadonlyMap<string, string>> {
    const results = new Map<string, string>();
    const pages = paginateListObjectsV2(
      { client: this.clients.s3 },
      { Bucket: this.resultsBucket, Prefix: prefix },
    );
    // Of what was not uploaded in parts.
    for await (const { Contents = [] } of pages)
      for (const { Key, ETag } of Contents) results.set(Key!, ETag!.replaceAll('"', ""));
    return results;
  }

  /** Messages in a runtime's queue: that wait, that somebody has, that come later. */
  async queueLength(runtime: RuntimeName): Promise<number> {
    const { Attributes = {} } = await this.clients.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.queueUrl(runtime),
        AttributeNames: ["All"],
      }),
    );
    const {
      ApproximateNumberOfMessages: waiting,
      ApproximateNumberOfMessagesNotVisible: inWork,
      ApproximateNumberOfMessagesDelayed: delayed,
    } = Attributes;
    return Number(waiting) + Number(inWork) + Number(delayed ?? 0);
  }

  /** What the result topic has told so far, in its order. */
  async notifications(): Promise<readonly Notification[]> {
    for (const { Body } of await this.taken(this.listenerUrl)) {
      const { Message } = JSON.parse(Body!) as { Message: string };
      this.#notifications.push(notificationSchema.parse(JSON.parse(Message)));
    }
    return this.#notifications;
  }

  /** What has come into a runtime's dead-letter queue so far. */
  async deadLetters(runtime: RuntimeName): Promise<readonly DeadLetter[]> {
    const letters = this.#deadLetters.get(runtime) ?? [];
    this.#deadLetters.set(runtime, letters);
    for (const { Body, MessageAttributes = {} } of await this.taken(
      this.deadLetterQueueUrl(runtime),
    ))
      letters.push({
        body: Body!,
        attributes: Object.fromEntries(
          Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue!]),
        ),
      });
    return letters;
  }

  /** Takes all messages out of a queue that nobody else reads. */
  async taken(queueUrl: string): Promise<readonly Message[]> {
    const taken: Message[] = [];
    for (;;) {
      const { Messages = [] } = await this.clients.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ["All"],
          WaitTimeSeconds: 0,
        }),
      );
      if (Messages.length === 0) return taken;
      taken.push(...Messages);
      await this.clients.sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: Messages.map(({ ReceiptHandle }, index) => ({
            Id: String(index),
            ReceiptHandle: ReceiptHandle!,
          })),
        }),
      );
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    for (const client of Object.values(this.clients)) client.destroy();
  }

  async #started(
    bundle: string,
    options: AppOptions,
    environment: Readonly<Record<string, string>>,
  ): Promise<AppProcess> {
    const endpoint = await this.#endpoint(options);
    const app = new AppProcess(bundle, {
      ...environment,
      ...motoEnvironment({ endpoint }),
      ...options.environment,
    });
    this.#stops.push(() => app.kill());
    return app;
  }

  async #endpoint({ decide = () => "pass", answered }: AppOptions): Promise<string> {
    const proxy = await startFaultyProxy(this.moto.endpoint, decide, answered);
    this.#stops.push(() => proxy.stop());
    return proxy.endpoint;
  }
}

/** A queue's URL by way of a proxy. */
function behind(endpoint: string, queueUrl: string): string {
  return new URL(new URL(queueUrl).pathname, endpoint).href;
}

/** An agent's pod: one process at a time. */
export class Agent {
  readonly #spawn: () => Promise<AppProcess>;
  #process: AppProcess | undefined;
  #hasEnded = false;
  #isRestarting = false;
  #starts = 0;

  constructor(spawn: () => Promise<AppProcess>) {
    this.#spawn = spawn;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** The process that runs, or has run last. */
  get process(): AppProcess {
    return this.#process!;
  }

  async start(): Promise<void> {
    const started = await this.#spawn();
    this.#starts++;
    this.#process = started;
    // The world has ended meanwhile.
    if (this.#hasEnded) await started.kill();
  }

  /** Dies on the spot. */
  kill(): void {
    this.process.signal("SIGKILL");
  }

  /** Dies on the spot, and is started again at once, unless that is going on already. */
  async restart(): Promise<void> {
    if (this.#isRestarting || this.#hasEnded) return;
    this.#isRestarting = true;
    await this.process.kill();
    await this.start();
    this.#isRestarting = false;
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#process?.kill();
  }
}
