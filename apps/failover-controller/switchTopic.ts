import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { ModelStatus } from "../../contracts/failover";

/** The longest subject that SNS takes. */
const subjectLength = 100;

/** Tells an SNS topic of each switch. */
export class SwitchTopic {
  readonly #client: SNSClient;
  readonly #topicArn: string;
  readonly #stack: string;

  /** Region and credentials are the environment's. */
  constructor({ topicArn, stack }: { readonly topicArn: string; readonly stack: string }) {
    this.#client = new SNSClient({ maxAttempts: 5 });
    this.#topicArn = topicArn;
    this.#stack = stack;
  }

  /** Rejects as the SDK does when five attempts have failed. */
  async tell(status: ModelStatus, direction: "over" | "back"): Promise<void> {
    const { model, mode, reason } = status;
    const subject = `${this.#stack}: ${model} ${direction === "over" ? "failed over" : "is back"} to ${mode}`;
    await this.#client.send(
      new PublishCommand({
        TopicArn: this.#topicArn,
        Subject: subject.slice(0, subjectLength),
        Message: [
          `${subject}.`,
          "",
          `Why: ${reason}`,
          `When: ${status.since}`,
          `Weights: ${weightsOf(status)}`,
          "",
          "See it: npm run -s fleet -- routes; what to do: docs/operations/fail-over.md",
        ].join("\n"),
        MessageAttributes: {
          stack: attribute(this.#stack),
          model: attribute(model),
          direction: attribute(direction),
        },
      }),
    );
  }
}

function weightsOf({ weights }: ModelStatus): string {
  return Object.entries(weights)
    .map(([service, weight]) => `${service} ${weight}`)
    .join(", ");
}

function attribute(value: string) {
  return { DataType: "String", StringValue: value };
}
