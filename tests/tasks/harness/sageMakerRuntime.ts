import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";

/** An invocation that SageMaker has taken. */
export interface Invocation {
  readonly endpoint: string;
  readonly inputLocation: string;
  readonly inferenceId: string;
  readonly customAttributes: string | undefined;
  readonly timeoutSeconds: number;
  readonly ttlSeconds: number;
  readonly receivedTime: string;
  /** Where the answer will be. */
  readonly outputLocation: string;
}

export interface SageMakerOptions {
  readonly s3: S3Client;
  readonly sns: SNSClient;
  /** Bucket of requests and answers. */
  readonly bucket: string;
  readonly successTopicArn: string;
  readonly errorTopicArn: string;
  /** Where the container listens. */
  readonly modelUrl: string;
}

/** What becomes of a call: as of `Fate`; `lose`: it is taken, and the caller does not hear of it. */
export type InvocationFate = "pass" | "refuse" | "lose" | "drop";

/**
 * An asynchronous endpoint on this machine: what SageMaker does between InvokeEndpointAsync and its
 * notification.
 *
 * Source of the call: botocore's model of sagemaker-runtime, `InvokeEndpointAsync`; of the
 * notifications, see contracts/tasks/invocation.ts.
 */
export class SageMakerRuntime {
  readonly invocations: Invocation[] = [];
  /** All notifications that were published, copies too. */
  readonly published: string[] = [];
  /** Instances: nothing is worked on with none. */
  capacity = 1;
  /** How often a notification is published; 0: never. */
  copies: (invocation: Invocation) => number = () => 1;
  decide: (invocation: Invocation) => InvocationFate | Promise<InvocationFate> = () => "pass";
  readonly #options: SageMakerOptions;
  readonly #queue: Invocation[] = [];
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      this.failures.push(error);
      response.destroy();
    });
  });
  /** Of this double itself. */
  readonly failures: unknown[] = [];
  #working = 0;
  #held: string[] | undefined;
  #heldTopics: string[] = [];

  private constructor(options: SageMakerOptions) {
    this.#options = options;
  }

  static async start(options: SageMakerOptions): Promise<SageMakerRuntime> {
    const runtime = new SageMakerRuntime(options);
    await new Promise<void>((listening) => runtime.#server.listen(0, "127.0.0.1", listening));
    return runtime;
  }

  /** For `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests that wait for an instance. */
  get backlog(): number {
    return this.#queue.length;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#working === 0;
  }

  scale(capacity: number): void {
    this.capacity = capacity;
    this.#work();
  }

  /** Notifications wait from now on. */
  hold(): void {
    this.#held = [];
  }

  /** They go out, the last one first. */
  async release(): Promise<void> {
    const messages = this.#held ?? [];
    const topics = this.#heldTopics;
    this.#held = undefined;
    this.#heldTopics = [];
    for (let index = messages.length - 1; index >= 0; index--)
      await this.#publish(topics[index]!, messages[index]!);
  }

  /** What waits has waited for too long. */
  async expire(): Promise<void> {
    // In words of ours, as nobody has published SageMaker's.
    for (const invocation of this.#queue.splice(0))
      await this.#tell(invocation, "The request expired: it waited for longer than its TTL.");
  }

  /** Publishes all of them once more. */
  async again(topicArn: string): Promise<void> {
    for (const message of [...this.published]) await this.#publish(topicArn, message);
  }

  async stop(): Promise<void> {
    this.capacity = 0;
    await new Promise<void>((stopped) => {
      this.#server.close(() => stopped());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, endpoint] = /^\/endpoints\/([^/]+)\/async-invocations$/.exec(request.url ?? "") ?? [];
    for await (const _ of request);
    const header = (name: string) => request.headers[name] as string | undefined;
    const inputLocation = header("x-amzn-sagemaker-inputlocation");
    if (request.method !== "POST" || endpoint === undefined || inputLocation === undefined) {
      response.writeHead(400, { "x-amzn-errortype": "ValidationError" });
      response.end(JSON.stringify({ Message: "an endpoint and an input are wanted" }));
      return;
    }
    const invocation: Invocation = {
      endpoint,
      inputLocation,
      inferenceId: header("x-amzn-sagemaker-inference-id") ?? randomUUID(),
      customAttributes: header("x-amzn-sagemaker-custom-attributes"),
      timeoutSeconds: Number(header("x-amzn-sagemaker-invocationtimeoutseconds")),
      ttlSeconds: Number(header("x-amzn-sagemaker-requestttlseconds")),
      receivedTime: new Date().toISOString(),
      outputLocation: `s3://${this.#options.bucket}/${endpoint}/output/${randomUUID()}.out`,
    };
    const fate = await this.decide(invocation);
    if (fate === "refuse") {
      response.writeHead(503, { "x-amzn-errortype": "ServiceUnavailable" });
      response.end(JSON.stringify({ Message: "by the test's will" }));
      return;
    }
    if (fate === "drop") {
      response.destroy();
      return;
    }
    this.invocations.push(invocation);
    this.#queue.push(invocation);
    this.#work();
    if (fate === "lose") {
      response.destroy();
      return;
    }
    response.writeHead(202, {
      "content-type": "application/json",
      "x-amzn-sagemaker-outputlocation": invocation.outputLocation,
    });
    response.end(JSON.stringify({ InferenceId: invocation.inferenceId }));
  }

  #work(): void {
    while (this.#working < this.capacity) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#working++;
      void this.#run(next)
        .catch((error: unknown) => this.failures.push(error))
        .finally(() => {
          this.#working--;
          this.#work();
        });
    }
  }

  async #run(invocation: Invocation): Promise<void> {
    const { s3, bucket, modelUrl } = this.#options;
    const { endpoint, inputLocation, customAttributes } = invocation;
    const key = inputLocation.slice(`s3://${bucket}/`.length);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const answer = await fetch(`${modelUrl}/invocations`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        ...(customAttributes !== undefined && {
          "x-amzn-sagemaker-custom-attributes": customAttributes,
        }),
      },
      body: await Body!.transformToString(),
    });
    const output = answer.ok
      ? invocation.outputLocation.slice(`s3://${bucket}/`.length)
      : `${endpoint}/failure/${randomUUID()}-error.out`;
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: output, Body: await answer.text() }));
    const side = answer.status >= 500 ? "server" : "client";
    await this.#tell(
      invocation,
      answer.ok
        ? undefined
        : `ClientError: Received ${side} error (${answer.status}) from model. See the SageMaker Endpoint logs in your account for more information.`,
      `s3://${bucket}/${output}`,
    );
  }

  /** @param outputLocation absent: no container has answered */
  async #tell(
    invocation: Invocation,
    failureReason: string | undefined,
    outputLocation?: string,
  ): Promise<void> {
    const { successTopicArn, errorTopicArn } = this.#options;
    const { endpoint, inferenceId, inputLocation, customAttributes, receivedTime } = invocation;
    const isCompleted = failureReason === undefined;
    const message = JSON.stringify({
      awsRegion: "us-west-2",
      eventTime: new Date().toISOString(),
      receivedTime,
      invocationStatus: isCompleted ? "Completed" : "Failed",
      failureReason,
      requestParameters: {
        accept: "application/json",
        contentType: "application/json",
        endpointName: endpoint,
        inputLocation,
        ...(customAttributes !== undefined && { customAttributes }),
      },
      ...(outputLocation !== undefined && {
        responseParameters: { contentType: "application/json", outputLocation },
      }),
      inferenceId,
      eventVersion: "1.0",
      eventSource: "aws:sagemaker",
      eventName: "InferenceResult",
    });
    this.published.push(message);
    const topicArn = isCompleted ? successTopicArn : errorTopicArn;
    for (let copy = this.copies(invocation); copy > 0; copy--)
      if (this.#held === undefined) await this.#publish(topicArn, message);
      else {
        this.#held.push(message);
        this.#heldTopics.push(topicArn);
      }
  }

  async #publish(topicArn: string, message: string): Promise<void> {
    await this.#options.sns.send(new PublishCommand({ TopicArn: topicArn, Message: message }));
  }
}
