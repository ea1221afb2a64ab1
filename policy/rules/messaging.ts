import { refusesPlainText, statementsOf } from "../iamDocument";
import { listed } from "../listed";
import { isSet, ofType, type Resource, referring, type Stack } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

const queueType = "aws:sqs/queue:Queue";
const topicType = "aws:sns/topic:Topic";
const redriveType = "aws:sqs/redrivePolicy:RedrivePolicy";
const redriveAllowType = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy";

/** SQS's defaults, in seconds (API reference, SetQueueAttributes). */
const defaultVisibilityTimeout = 30;
const defaultRetention = 345_600;

const queueEncrypted = resourceRule({
  name: "queue-encrypted",
  level: "mandatory",
  protectsFrom: "Prompts that lie in a queue in plain text.",
  remedy: "Set sqsManagedSseEnabled to true, or kmsMasterKeyId.",
  types: [queueType],
  check: ({ props }, report) => {
    if (isSet(props, "kmsMasterKeyId")) return;
    if (props.sqsManagedSseEnabled !== true)
      report("has neither sqsManagedSseEnabled nor kmsMasterKeyId");
  },
});

const topicEncrypted = resourceRule({
  name: "topic-encrypted",
  level: "mandatory",
  protectsFrom: "Messages that lie in a topic in plain text until they are delivered.",
  remedy: "Set kmsMasterKeyId.",
  types: [topicType],
  check: ({ props }, report) => {
    if (!isSet(props, "kmsMasterKeyId")) report("has no kmsMasterKeyId");
  },
});

/** Queues that others send to when a message cannot be handled, or delivered. */
function isDeadLetterQueue(stack: Stack, queue: Resource): boolean {
  return (
    referring(
      stack,
      queue,
      "redrivePolicy",
      queueType,
      redriveType,
      "aws:sns/topicSubscription:TopicSubscription",
    ).length > 0 ||
    referring(
      stack,
      queue,
      "deadLetterConfig",
      "aws:lambda/function:Function",
      "aws:cloudwatch/eventTarget:EventTarget",
    ).length > 0 ||
    referring(stack, queue, "target", "aws:scheduler/schedule:Schedule").some(({ props }) =>
      isSet(props.target, "deadLetterConfig"),
    ) ||
    [queue, ...referring(stack, queue, "queueUrl", redriveAllowType)].some(takesFromSome)
  );
}

/** Whether a policy names queues whose dead letters may come; by default those of all may. */
function takesFromSome({ props }: Resource): boolean {
  if (!isSet(props, "redriveAllowPolicy")) return false;
  const allowed: { redrivePermission?: string; sourceQueueArns?: string[] } | null = JSON.parse(
    props.redriveAllowPolicy,
  );
  return allowed?.redrivePermission === "byQueue" && listed(allowed.sourceQueueArns).length > 0;
}

function redriveOf(stack: Stack, queue: Resource): Resource | undefined {
  if (isSet(queue.props, "redrivePolicy")) return queue;
  return referring(stack, queue, "queueUrl", redriveType)[0];
}

/** Whether a redrive policy names a dead-letter queue; what was computed from a queue does. */
function hasTarget(stack: Stack, { props, sources }: Resource): boolean {
  const from = sources.get("redrivePolicy") ?? [];
  return (
    ofType(stack, queueType).some(({ urn }) => from.includes(urn)) ||
    isSet(JSON.parse(props.redrivePolicy), "deadLetterTargetArn")
  );
}

const queueDeadLetter = stackRule({
  name: "queue-has-dead-letter-queue",
  level: "mandatory",
  protectsFrom:
    "A message that cannot be handled: it comes back for ever, or is gone without a trace.",
  remedy: "Make a dead-letter queue and name it in redrivePolicy.",
  types: [queueType],
  check: (queue, stack, report) => {
    const redrive = redriveOf(stack, queue);
    if (redrive !== undefined && hasTarget(stack, redrive)) return;
    if (!isDeadLetterQueue(stack, queue)) report("has no dead-letter queue");
  },
});

const queueRetention = stackRule({
  name: "queue-retention",
  level: "mandatory",
  protectsFrom:
    "A message that expires while it is still being tried: it never reaches the dead-letter queue.",
  remedy:
    "Keep messageRetentionSeconds above visibilityTimeoutSeconds times the redrive policy's maxReceiveCount.",
  types: [queueType],
  check: (queue, stack, report) => {
    const redrive = redriveOf(stack, queue);
    if (redrive === undefined) return;
    const attempts = receiveCount(redrive);
    const visibility = queue.props.visibilityTimeoutSeconds ?? defaultVisibilityTimeout;
    const retention = queue.props.messageRetentionSeconds ?? defaultRetention;
    if (retention <= visibility * attempts)
      report(
        `messageRetentionSeconds is ${retention}, and ${attempts} attempts of ${visibility} s take ${visibility * attempts}`,
      );
  },
});

/** In a plan the document can be read although the dead-letter queue's ARN in it is not known. */
function receiveCount({ props }: Resource): number {
  const redrive: { maxReceiveCount?: number | string } | null = JSON.parse(props.redrivePolicy);
  return Number(redrive?.maxReceiveCount ?? Number.POSITIVE_INFINITY);
}

const deadLettersKept = stackRule({
  name: "dead-letters-kept",
  level: "mandatory",
  protectsFrom:
    "Dead letters that expire over a long weekend: their age counts from when they were first sent.",
  remedy:
    "Keep messageRetentionSeconds of a dead-letter queue above that of its sources, at best 14 days.",
  types: [queueType],
  check: (queue, stack, report) => {
    const sources = ofType(stack, queueType).filter((source) =>
      redriveOf(stack, source)?.sources.get("redrivePolicy")?.includes(queue.urn),
    );
    const retention = queue.props.messageRetentionSeconds ?? defaultRetention;
    for (const { name, props } of sources) {
      const own = props.messageRetentionSeconds ?? defaultRetention;
      if (retention <= own)
        report(`messageRetentionSeconds is ${retention}, and ${name}, which it serves, has ${own}`);
    }
  },
});

const tlsOnly = stackRule({
  name: "messages-tls-only",
  level: "mandatory",
  protectsFrom: "Messages and credentials that travel in plain text.",
  remedy: "Deny everybody where aws:SecureTransport is false, in the queue's or topic's policy.",
  types: [queueType, topicType],
  check: (resource, stack, report) => {
    const [apart, actions] =
      resource.type === queueType
        ? [
            referring(stack, resource, "queueUrl", "aws:sqs/queuePolicy:QueuePolicy"),
            ["sqs:SendMessage", "sqs:ReceiveMessage"],
          ]
        : [referring(stack, resource, "arn", "aws:sns/topicPolicy:TopicPolicy"), ["sns:Publish"]];
    const refuses = [resource, ...apart].some(
      ({ props }) =>
        isSet(props, "policy") &&
        statementsOf(props.policy, "policy").some((it) => refusesPlainText(it, ...actions)),
    );
    if (!refuses) report("takes plain HTTP");
  },
});

export const messaging: Area = {
  title: "Queues and topics",
  rules: [
    queueEncrypted,
    topicEncrypted,
    queueDeadLetter,
    queueRetention,
    deadLettersKept,
    tlsOnly,
  ],
};
