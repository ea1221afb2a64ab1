import { servicePricesPerHour } from "./prices";
import { heartbeatSeconds, receiveAheadSeconds } from "./queueing";
import { type Usage, usageCost, usagePrices } from "./usagePrices";

/**
 * What images cost on the asynchronous path, and what the path costs a month without any: US
 * dollars, us-west-2, without tax and free tiers. The counterpart of guidanceCost.ts's tables.
 */

/** Images, and what their tasks are like. */
export interface TaskLoad {
  readonly images: number;
  readonly imagesPerTask: number;
  /** Seconds that the runtime takes for one image. */
  readonly secondsPerImage: number;
  /** Seconds that the runtime stands idle between two tasks while the queue is not empty. */
  readonly idleSecondsPerTask: number;
  /** Size of a stored image. */
  readonly imageKiB: number;
  /** Size of a task's message in the topic and the queue. */
  readonly requestKiB: number;
  /** Size of a task's record, its attributes' names included. */
  readonly recordBytes: number;
  /** Days that results are kept, and then lie in their bucket as deleted versions. */
  readonly resultDays: number;
  readonly deletedResultDays: number;
  /** Days that records are kept (`queueTimes(…).recordSeconds`). */
  readonly recordDays: number;
  /** How often a client asks for a task's state; 0: it waits for the notification. */
  readonly statusReads: number;
  /** Whether subscribers are told when a task starts. */
  readonly notifyRunning: boolean;
  /** What one of the API's calls takes of the function: memory times duration. */
  readonly functionMemoryMiB: number;
  readonly functionMilliseconds: number;
  /** The part of the API's requests that X-Ray records: one a second, and 5 % of what is more. */
  readonly tracedPart: number;
  /** Log lines of a task, of API, function and agent together, as CloudWatch takes them in. */
  readonly logKiB: number;
}

/**
 * The guidance's million images (guidanceCost.ts: 1.5 s and 150 KB each, one a task) on the
 * program's defaults. Requests are of the 8 KB that its traffic makes. Counted on moto: a record of
 * 707 bytes. Promised: an idle time of 15 ms. Assumed: 50 ms of the function, X-Ray at its most.
 *
 * Log lines: 0.6 KiB of the function (counted on moto), 1.4 of API Gateway and Lambda (estimated),
 * and an agent's four, three of them metrics. These are 1.0 KiB as written, and 5.0 as the add-on's
 * Fluent Bit sends them: its `kubernetes` filter keeps a line in `log`, with its quotes escaped, has
 * its members once more beside it, and adds 0.6 KiB of the pod's metadata. Derived, not measured:
 * amazon-cloudwatch-observability 4.8.0, values.yaml; Fluent Bit manual, "Kubernetes" (`Keep_Log` is
 * on by default).
 */
export const millionImages: TaskLoad = {
  images: 1_000_000,
  imagesPerTask: 1,
  secondsPerImage: 1.5,
  idleSecondsPerTask: 0.015,
  imageKiB: 150,
  requestKiB: 8,
  recordBytes: 750,
  resultDays: 30,
  deletedResultDays: 7,
  recordDays: 30,
  statusReads: 0,
  notifyRunning: false,
  functionMemoryMiB: 512,
  functionMilliseconds: 50,
  tracedPart: 1,
  logKiB: 7,
};

/** The machine that runs a runtime's replica. */
export interface TaskMachine {
  /** E.g. `g5.xlarge, spot`. */
  readonly name: string;
  /** US dollars an hour for one replica: its share of the machine. */
  readonly pricePerHour: number;
  readonly source: string;
}

export interface BillLine {
  readonly service: string;
  /** What is counted. */
  readonly dimension: string;
  readonly quantity: number;
  /** US dollars for `per` of the quantity. */
  readonly unitPrice: number;
  readonly per: number;
  /** US dollars. */
  readonly usd: number;
  readonly source: string;
}

export interface Bill {
  readonly lines: readonly BillLine[];
  /** US dollars. */
  readonly usd: number;
}

/**
 * What the program asks of AWS for one task that succeeds at once, with an empty queue's long polls
 * left out.
 *
 * SQS: the topic's delivery, a receive, a delete, heartbeats. DynamoDB: put by the API, claimed,
 * completed, heartbeats. S3: the images, the runtime's answer, the manifest.
 *
 * Heartbeats are an average, and no whole number: an agent has one timer for all that it holds, so
 * what is held for h seconds is hit h / 20 times, however short it is.
 *
 *     message held     task + min(task before, 5 s)
 *     claim held       task
 *
 * A message is received 5 s before the run before it ends, but not before that run began; runs are
 * taken as equally long. Left out: the 0.1 s that a task is claimed ahead, and the time to store.
 */
export function requestsPerTask(load: TaskLoad) {
  const taskSeconds = load.imagesPerTask * load.secondsPerImage;
  const messageParts = Math.ceil(load.requestKiB / 64);
  const recordParts = Math.ceil(load.recordBytes / 1024);
  const heldSeconds = taskSeconds + Math.min(taskSeconds, receiveAheadSeconds);
  return {
    api: 1 + load.statusReads,
    sns: messageParts + 1 + (load.notifyRunning ? 1 : 0),
    sqs: 2 * messageParts + 1 + heldSeconds / heartbeatSeconds,
    dynamoWrites: recordParts * (3 + taskSeconds / heartbeatSeconds),
    dynamoReads: Math.ceil(load.recordBytes / 4096) * load.statusReads,
    s3Puts: load.imagesPerTask + 2,
  };
}

/** KiB of a task's answer and manifest in the results' bucket, without its images. */
const metadataKiB = 2;

/** KiB on the wire, both ways, of one call of an agent beside its payload: TLS records and headers. */
const callKiB = 3;

/** An agent's calls through the NAT gateway: receive, claim, complete, publish, delete. */
const natCalls = 5;

/**
 * What the images cost on `machine`, at any number of them: nothing here is paid by the month.
 *
 * Not in it: machines that start, load a model or wait for their next task; images that clients
 * download; uploads and contents above the topic's size; retries; deliveries to e-mail and HTTPS.
 *
 * @throws RangeError unless there are images, and the sizes and times are 0 or more
 */
export function imagesCost(load: TaskLoad, machine: TaskMachine): Bill {
  checkLoad(load);
  const { images, imagesPerTask, recordDays } = load;
  const tasks = images / imagesPerTask;
  const requests = requestsPerTask(load);
  const hours = (images * load.secondsPerImage + tasks * load.idleSecondsPerTask) / 3600;
  const gbSeconds =
    tasks * requests.api * (load.functionMemoryMiB / 1024) * (load.functionMilliseconds / 1000);
  const storedDays = load.resultDays + load.deletedResultDays;
  const storedGb = gb(images * load.imageKiB + tasks * metadataKiB);
  // 100 bytes: what DynamoDB bills beside an item (developer guide, "Estimating item sizes").
  const recordGb = gb((tasks * (load.recordBytes + 100)) / 1024);
  return bill([
    {
      service: "Amazon EC2",
      dimension: `${machine.name}, hours`,
      quantity: hours,
      unitPrice: machine.pricePerHour,
      per: 1,
      usd: hours * machine.pricePerHour,
      source: machine.source,
    },
    used("Amazon API Gateway", "REST API requests", "apiRequest", tasks * requests.api),
    used("AWS Lambda", "GB-seconds, arm64", "lambdaGbSecondArm", gbSeconds),
    used("AWS Lambda", "requests", "lambdaRequest", tasks * requests.api),
    used("Amazon SNS", "requests", "snsRequest", tasks * requests.sns),
    used("Amazon SQS", "requests", "sqsRequest", tasks * requests.sqs),
    used("Amazon DynamoDB", "writes", "dynamoWrite", tasks * requests.dynamoWrites),
    used("Amazon DynamoDB", "reads", "dynamoRead", tasks * requests.dynamoReads),
    used("Amazon DynamoDB", "GB-months", "dynamoGbMonth", (recordGb * recordDays) / 30),
    used(
      "Amazon DynamoDB",
      "GB-months, backup",
      "dynamoBackupGbMonth",
      (recordGb * recordDays) / 30,
    ),
    used("Amazon S3", "PUTs", "s3Put", tasks * requests.s3Puts),
    used("Amazon S3", "GB-months", "s3GbMonth", (storedGb * storedDays) / 30),
    used("AWS X-Ray", "traces", "trace", tasks * requests.api * load.tracedPart),
    used("Amazon CloudWatch", "GB of logs", "logGb", gb(tasks * load.logKiB)),
    used("NAT gateway", "GB", "natGb", gb(tasks * (load.requestKiB + natCalls * callKiB))),
  ]);
}

/** What an environment of the asynchronous path has that is paid by the month. */
export interface AsyncEnvironment {
  /** EKS control planes: 1, or 0 in a cluster of the user's own. */
  readonly controlPlanes: number;
  readonly systemNodes: {
    readonly instanceType: string;
    readonly count: number;
    readonly pricePerHour: number;
    readonly source: string;
  };
  readonly natGateways: number;
  /** Customer keys. */
  readonly keys: number;
  /** Who publishes to a topic that KMS encrypts, counted once per topic. */
  readonly publishers: number;
  /** Who reads or writes a table that KMS encrypts. */
  readonly tableUsers: number;
  /** Custom metrics, one for each runtime and name. */
  readonly metrics: number;
}

/** Hours of a month, on average. */
export const hoursPerMonth = 730;

/**
 * Seconds that SNS and DynamoDB use a key again. Sources: Amazon SNS developer guide, "Key
 * management"; Amazon DynamoDB developer guide, "DynamoDB encryption at rest".
 */
const keyReuseSeconds = 300;

/**
 * What the path costs a month beside its tasks, whose runtimes scale to zero. KMS is asked at most
 * every five minutes: by a topic twice for each publisher (SNS developer guide, "Estimating AWS KMS
 * costs"), by a table once for each user.
 */
export function monthlyCost(environment: AsyncEnvironment): Bill {
  const { controlPlanes, systemNodes, natGateways, keys, metrics } = environment;
  const hourly = (
    service: string,
    dimension: string,
    count: number,
    usd: number,
    source: string,
  ) => ({
    service,
    dimension: `${dimension}, hours`,
    quantity: count * hoursPerMonth,
    unitPrice: usd,
    per: 1,
    usd: count * hoursPerMonth * usd,
    source,
  });
  const { controlPlane, natGateway } = servicePricesPerHour;
  const keyUses = 2 * environment.publishers + environment.tableUsers;
  const keyRequests = ((hoursPerMonth * 3600) / keyReuseSeconds) * keyUses;
  return bill([
    hourly("Amazon EKS", "cluster", controlPlanes, controlPlane.usd, controlPlane.source),
    hourly(
      "Amazon EC2",
      `${systemNodes.instanceType}, on-demand`,
      systemNodes.count,
      systemNodes.pricePerHour,
      systemNodes.source,
    ),
    hourly("NAT gateway", "gateways", natGateways, natGateway.usd, natGateway.source),
    used("AWS KMS", "keys", "kmsKeyMonth", keys),
    used("AWS KMS", "requests", "kmsRequest", keyRequests),
    used("Amazon CloudWatch", "metrics", "metricMonth", metrics),
  ]);
}

/** US dollars for a thousand of the load's images, for a plan's summary. */
export function usdPerThousandImages(load: TaskLoad, machine: TaskMachine): number {
  return (imagesCost(load, machine).usd / load.images) * 1000;
}

function used(service: string, dimension: string, usage: Usage, quantity: number): BillLine {
  const { usd: unitPrice, per, source } = usagePrices[usage];
  return { service, dimension, quantity, unitPrice, per, usd: usageCost(usage, quantity), source };
}

/** What there is none of is left out. */
function bill(lines: readonly BillLine[]): Bill {
  const billed = lines.filter(({ quantity }) => quantity > 0);
  return { lines: billed, usd: billed.reduce((sum, { usd }) => sum + usd, 0) };
}

function gb(kibibytes: number): number {
  return kibibytes / 1024 ** 2;
}

function checkLoad(load: TaskLoad): void {
  if (!(load.images > 0 && load.imagesPerTask > 0)) {
    throw new RangeError(`There must be images: ${load.images}, ${load.imagesPerTask} a task.`);
  }
  for (const [name, value] of Object.entries(load)) {
    if (typeof value === "number" && !(value >= 0 && Number.isFinite(value))) {
      throw new RangeError(`${name} must be 0 or more, not ${value}.`);
    }
  }
}
