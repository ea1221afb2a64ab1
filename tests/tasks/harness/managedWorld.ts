import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import {
  CreateTableCommand,
  GetItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { clientsAt } from "../../../cli/localAws/localWorld";
import { type Moto, motoEnvironment } from "../../../cli/localAws/moto";
import { usageRequestsMetric } from "../../../contracts/metrics";
import { AWAITED_INDEX, TABLE_KEY, type TaskRecord } from "../../../contracts/tasks/record";
import { type Notification, notificationSchema } from "../../../contracts/tasks/result";
import type { ManagedRuntime } from "../../../contracts/tasks/runtimes";
import type {
  ManagedTaskSettings,
  TaskApiSettings,
  TaskResultsSettings,
} from "../../../contracts/tasks/settings";
import { type AwsCall, type Fate, startFaultyProxy } from "../../python/faultyProxy";
import { AppProcess } from "./appProcess";
import { type ModelServer, startModelServer } from "./modelServer";
import { SageMakerRuntime } from "./sageMakerRuntime";
import { TaskClient } from "./taskClient";

const root = resolve(__dirname, "../../..");
const REGION = "us-west-2";

export const runtime: ManagedRuntime = {
  name: "campaign",
  adapter: "fleet",
  model: "sd21",
  accelerator: "inf2",
  types: ["text-to-image", "image-to-image"],
  longestTaskSeconds: 900,
  endpoint: "fleet-test-campaign",
  revision: "b541da404c4524b7",
  maxAttempts: 3,
};

/** What becomes of an app's calls to AWS. */
export interface CallOptions {
  readonly decide?: (call: AwsCall) => Fate | Promise<Fate>;
}

export interface AppOptions extends CallOptions {
  /** Of the runtime, as the app knows it. Default: `runtime`'s. */
  readonly revision?: string;
  /** Seconds between two sweeps. Default: there are none. */
  readonly sweepSeconds?: number;
}

export interface ManagedWorldOptions {
  /** Whether there is a cache of results. Default: yes. */
  readonly cache?: boolean;
  /** Seconds that a request to the API may take, after which it counts as dead. */
  readonly apiSeconds?: number;
  /** Of the container. Default: a server that draws. */
  readonly modelUrl?: string;
}

let bundled: Promise<Readonly<Record<"api" | "results", string>>> | undefined;
let worlds = 0;

/** A managed runtime on this machine: SNS, SQS, S3 and DynamoDB by moto, SageMaker by its double. */
export class ManagedWorld {
  readonly clients: ReturnType<typeof clientsAt>;
  readonly #stops: (() => unknown)[] = [];
  readonly #notifications: Notification[] = [];
  #apps: AppProcess[] = [];

  private constructor(
    readonly moto: Moto,
    readonly options: ManagedWorldOptions,
    readonly name: string,
    readonly sageMaker: SageMakerRuntime,
    readonly model: ModelServer,
    readonly successTopicArn: string,
    readonly resultTopicArn: string,
    readonly queueUrl: string,
    readonly deadLetterQueueUrl: string,
    readonly listenerUrl: string,
  ) {
    this.clients = clientsAt(moto.endpoint, REGION);
  }

  static async start(moto: Moto, options: ManagedWorldOptions = {}): Promise<ManagedWorld> {
    const name = `managed-${++worlds}`;
    const clients = clientsAt(moto.endpoint, REGION);
    const { dynamodb, s3, sns, sqs } = clients;
    for (const table of ["tasks", "cache"])
      await dynamodb.send(
        new CreateTableCommand({
          TableName: `${name}-${table}`,
          BillingMode: "PAY_PER_REQUEST",
          KeySchema: [{ AttributeName: TABLE_KEY, KeyType: "HASH" }],
          AttributeDefinitions: [
            { AttributeName: TABLE_KEY, AttributeType: "S" },
            { AttributeName: AWAITED_INDEX.hashKey, AttributeType: "S" },
            { AttributeName: AWAITED_INDEX.rangeKey, AttributeType: "N" },
          ],
          GlobalSecondaryIndexes: [
            {
              IndexName: AWAITED_INDEX.name,
              KeySchema: [
                { AttributeName: AWAITED_INDEX.hashKey, KeyType: "HASH" },
                { AttributeName: AWAITED_INDEX.rangeKey, KeyType: "RANGE" },
              ],
              Projection: { ProjectionType: "KEYS_ONLY" },
            },
          ],
        }),
      );
    for (const bucket of ["results", "inputs", "endpoints"])
      await s3.send(
        new CreateBucketCommand({
          Bucket: `${name}-${bucket}`,
          CreateBucketConfiguration: { LocationConstraint: REGION },
        }),
      );
    const topic = async (part: string) =>
      (await sns.send(new CreateTopicCommand({ Name: `${name}-${part}` }))).TopicArn!;
    const queue = async (part: string) => {
      const { QueueUrl } = await sqs.send(
        new CreateQueueCommand({
          QueueName: `${name}-${part}`,
          Attributes: { VisibilityTimeout: "3" },
        }),
      );
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
      );
      return { url: QueueUrl!, arn: Attributes!.QueueArn! };
    };
    const subscribe = (TopicArn: string, Endpoint: string) =>
      sns.send(
        new SubscribeCommand({
          TopicArn,
          Protocol: "sqs",
          Endpoint,
          Attributes: { RawMessageDelivery: "true" },
        }),
      );
    const [success, errors, told] = [
      await topic("success"),
      await topic("errors"),
      await topic("results"),
    ];
    const [work, dead, listener] = [
      await queue("work"),
      await queue("dead"),
      await queue("listener"),
    ];
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: work.url,
        Attributes: {
          RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 40 }),
        },
      }),
    );
    await subscribe(success, work.arn);
    await subscribe(errors, work.arn);
    await subscribe(told, listener.arn);
    const model = await startModelServer();
    const sageMaker = await SageMakerRuntime.start({
      s3,
      sns,
      bucket: `${name}-endpoints`,
      successTopicArn: success,
      errorTopicArn: errors,
      modelUrl: options.modelUrl ?? model.url,
    });
    return new ManagedWorld(
      moto,
      options,
      name,
      sageMaker,
      model,
      success,
      told,
      work.url,
      dead.url,
      listener.url,
    );
  }

  get endpointsBucket(): string {
    return `${this.name}-endpoints`;
  }

  get resultsBucket(): string {
    return `${this.name}-results`;
  }

  /** The API's process, which may be killed. */
  async startApi(options: AppOptions = {}): Promise<{ client: TaskClient; app: AppProcess }> {
    const settings: TaskApiSettings & ManagedTaskSettings = {
      STACK: "test",
      TABLE_NAME: `${this.name}-tasks`,
      TASK_TOPIC_ARN: this.resultTopicArn,
      RESULTS_BUCKET: this.resultsBucket,
      INPUTS_BUCKET: `${this.name}-inputs`,
      ENDPOINTS_BUCKET: this.endpointsBucket,
      RESULT_TOPIC_ARN: this.resultTopicArn,
      REQUEST_TTL_SECONDS: "21600",
      INPUT_BYTES: "100000",
      ...this.#cache(),
      RUNTIMES: runtimesAt(options),
      TASK_TTL_SECONDS: "86400",
      LINK_SECONDS: "600",
      UPLOAD_BYTES: "1000000",
      INPUT_HOSTS: "images.example.com",
      INPUT_BUCKETS: "",
      METRIC_NAMESPACE: "fleet-test",
    };
    const app = await this.#start((await bundles()).api, options, {
      ...settings,
      PORT: "0",
      TIMEOUT_SECONDS: String(this.options.apiSeconds ?? 25),
    });
    const port = await app.told("where it listens", (line) =>
      line.message === "listening" ? line.port : undefined,
    );
    return { client: new TaskClient(`http://127.0.0.1:${String(port)}`), app };
  }

  /** What brings results back. */
  async startResults(options: AppOptions = {}): Promise<AppProcess> {
    const settings: TaskResultsSettings = {
      STACK: "test",
      TABLE_NAME: `${this.name}-tasks`,
      RESULTS_BUCKET: this.resultsBucket,
      ENDPOINTS_BUCKET: this.endpointsBucket,
      QUEUE_URL: this.queueUrl,
      RESULT_TOPIC_ARN: this.resultTopicArn,
      REQUEST_TTL_SECONDS: "21600",
      ...this.#cache(),
      CACHE_SECONDS: "3600",
      METRIC_NAMESPACE: "fleet-test",
      RUNTIMES: runtimesAt(options),
    };
    const app = await this.#start((await bundles()).results, options, {
      ...settings,
      TIMEOUT_SECONDS: "3",
      RETRY_SECONDS: "1",
      ...(options.sweepSeconds !== undefined && { SWEEP_SECONDS: String(options.sweepSeconds) }),
    });
    await app.told("that it listens", ({ message }) =>
      message === "listening" ? true : undefined,
    );
    return app;
  }

  /** All the time is over that SageMaker may take for a task. */
  async overdue(key: string): Promise<void> {
    await this.clients.dynamodb.send(
      new UpdateItemCommand({
        TableName: `${this.name}-tasks`,
        Key: { [TABLE_KEY]: { S: key } },
        UpdateExpression: "SET lostAtMs = :now",
        ExpressionAttributeValues: { ":now": { N: String(Date.now() - 1) } },
      }),
    );
  }

  /** Keys of the tasks that the table's index has. */
  async awaited(): Promise<readonly string[]> {
    const { Items = [] } = await this.clients.dynamodb.send(
      new ScanCommand({ TableName: `${this.name}-tasks`, IndexName: AWAITED_INDEX.name }),
    );
    return Items.map((item) => unmarshall(item)[TABLE_KEY] as string);
  }

  async record(key: string): Promise<TaskRecord | undefined> {
    const { Item } = await this.clients.dynamodb.send(
      new GetItemCommand({
        TableName: `${this.name}-tasks`,
        Key: { [TABLE_KEY]: { S: key } },
        ConsistentRead: true,
      }),
    );
    return Item && (unmarshall(Item) as TaskRecord);
  }

  /** Keys of the results below a prefix. */
  async results(prefix = ""): Promise<readonly string[]> {
    const { Contents = [] } = await this.clients.s3.send(
      new ListObjectsV2Command({ Bucket: this.resultsBucket, Prefix: prefix }),
    );
    return Contents.map(({ Key }) => Key!);
  }

  async object(key: string): Promise<Buffer> {
    const { Body } = await this.clients.s3.send(
      new GetObjectCommand({ Bucket: this.resultsBucket, Key: key }),
    );
    return Buffer.from(await Body!.transformToByteArray());
  }

  /** What the result topic has told so far. */
  async notifications(): Promise<readonly Notification[]> {
    for (const body of await this.#taken(this.listenerUrl))
      this.#notifications.push(notificationSchema.parse(JSON.parse(body)));
    return this.#notifications;
  }

  /** Takes what is in the dead-letter queue. */
  deadLetters(): Promise<readonly string[]> {
    return this.#taken(this.deadLetterQueueUrl);
  }

  /** Samples of the usage's second input that an app has published. */
  samples(app: AppProcess): number {
    const { name, namespace, dimensions } = usageRequestsMetric(runtime.endpoint, REGION);
    return app.lines.filter((line) => {
      const { _aws, ...values } = line as unknown as {
        readonly _aws?: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][] }[] };
      } & Record<string, unknown>;
      const [metric] = _aws?.CloudWatchMetrics ?? [];
      return (
        metric?.Namespace === namespace &&
        JSON.stringify(metric.Dimensions.flat().sort()) ===
          JSON.stringify(Object.keys(dimensions).sort()) &&
        Object.entries(dimensions).every(([key, value]) => values[key] === value) &&
        [values[name]].flat().join() === "1"
      );
    }).length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.kill()));
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    await this.sageMaker.stop();
    await this.model.stop();
    for (const client of Object.values(this.clients)) client.destroy();
  }

  #cache() {
    return this.options.cache === false ? {} : { CACHE_TABLE_NAME: `${this.name}-cache` };
  }

  async #start(
    bundle: string,
    { decide = () => "pass" }: CallOptions,
    environment: Readonly<Record<string, string>>,
  ): Promise<AppProcess> {
    const proxy = await startFaultyProxy(this.moto.endpoint, decide);
    this.#stops.push(() => proxy.stop());
    const app = new AppProcess(bundle, {
      ...environment,
      ...motoEnvironment({ endpoint: proxy.endpoint }),
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: this.sageMaker.url,
    });
    this.#apps.push(app);
    return app;
  }

  async #taken(queueUrl: string): Promise<readonly string[]> {
    const taken: string[] = [];
    for (;;) {
      const { Messages = [] } = await this.clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return taken;
      for (const { Body, ReceiptHandle } of Messages) {
        taken.push(Body!);
        await this.clients.sqs.send(
          new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }),
        );
      }
    }
  }
}

function runtimesAt({ revision = runtime.revision }: AppOptions): string {
  return JSON.stringify([{ ...runtime, revision }]);
}

/** The apps as one file each, made once for all suites. */
function bundles(): Promise<Readonly<Record<"api" | "results", string>>> {
  bundled ??= makeBundles();
  return bundled;
}

async function makeBundles(): Promise<Readonly<Record<"api" | "results", string>>> {
  const folder = mkdtempSync(join(tmpdir(), "diffusion-fleet-managed-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const made = { api: join(folder, "task-api.cjs"), results: join(folder, "task-results.cjs") };
  const bundle = (app: string, file: string) =>
    promisify(execFile)(process.execPath, [join(root, "apps/bundle.mjs"), app, file]);
  await bundle("task-api/local", made.api);
  await bundle("task-results/local", made.results);
  return made;
}
