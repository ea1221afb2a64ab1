import { ruleSuite } from "./ruleSuite";
import { type Circumstances, document, type Subject, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const queue = (props: Props = {}, more: Circumstances = {}) =>
  subject("aws:sqs/queue:Queue", props, more);
const topic = (props: Props = {}, more: Circumstances = {}) =>
  subject("aws:sns/topic:Topic", props, more);
const redrive = (maxReceiveCount: unknown) =>
  JSON.stringify({ deadLetterTargetArn: "<output of dead-letters.arn>", maxReceiveCount });

/** Who may send dead letters to a queue. */
const allow = (redrivePermission: string, ...sourceQueueArns: readonly string[]) =>
  JSON.stringify({ redrivePermission, sourceQueueArns });
const tasksArn = "arn:aws:sqs:us-west-2:123456789012:tasks";

const deadLetters = queue({}, { name: "dead-letters" });
/** `tasks`, whose dead letters go to the queue above. */
const tasks = (props: Props = {}) =>
  queue({ redrivePolicy: redrive(3), ...props }, { from: { redrivePolicy: deadLetters } });
const redriveApart = (of: Subject, count: unknown = 3) =>
  subject(
    "aws:sqs/redrivePolicy:RedrivePolicy",
    { queueUrl: "<output of it.url>", redrivePolicy: redrive(count) },
    { name: "redrive", from: { queueUrl: of, redrivePolicy: deadLetters } },
  );

ruleSuite("queue-encrypted", {
  passes: {
    "a queue that SQS encrypts": { of: queue({ sqsManagedSseEnabled: true }) },
    "a queue with a key": { of: queue({ kmsMasterKeyId: "alias/aws/sqs" }) },
  },
  fails: {
    "a queue with neither": { of: queue(), says: [/neither sqsManagedSseEnabled nor/] },
    "a queue that SQS may not encrypt": {
      of: queue({ sqsManagedSseEnabled: false, kmsMasterKeyId: "" }),
      says: [/neither sqsManagedSseEnabled nor/],
    },
  },
  unknown: {
    "a queue of which it is unknown whether SQS encrypts it": {
      of: queue({ sqsManagedSseEnabled: unknown }),
    },
    "a queue with a key that is not known yet: it has one": {
      of: queue({ kmsMasterKeyId: unknown }),
      comesOut: "passes",
    },
  },
});

ruleSuite("topic-encrypted", {
  passes: { "a topic with a key": { of: topic({ kmsMasterKeyId: "alias/aws/sns" }) } },
  fails: { "a topic without one": { of: topic(), says: [/no kmsMasterKeyId/] } },
  unknown: {
    "a topic with a key that is not known yet: it has one": {
      of: topic({ kmsMasterKeyId: unknown }),
      comesOut: "passes",
    },
  },
});

ruleSuite("queue-has-dead-letter-queue", {
  passes: {
    "a queue with a redrive policy": { of: tasks() },
    "a queue whose redrive policy stands apart": {
      of: queue(),
      among: [redriveApart(queue())],
    },
    "a dead-letter queue of another queue": {
      of: deadLetters,
      among: [tasks()],
    },
    "a dead-letter queue by a redrive policy that stands apart": {
      of: deadLetters,
      among: [queue(), redriveApart(queue())],
    },
    "a queue that says whose dead letters it takes": {
      of: queue({ redriveAllowPolicy: allow("byQueue", tasksArn) }),
    },
    "a queue of which another resource says so": {
      of: queue(),
      among: [
        subject(
          "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
          { redriveAllowPolicy: allow("byQueue", tasksArn) },
          { from: { queueUrl: queue() } },
        ),
      ],
    },
    "a queue for what a subscription, function, rule's target or schedule cannot deliver": {
      of: queue(),
      among: [
        subject("aws:lambda/function:Function", {}, { from: { deadLetterConfig: queue() } }),
        subject(
          "aws:cloudwatch/eventTarget:EventTarget",
          {},
          { from: { deadLetterConfig: queue() } },
        ),
      ],
    },
    "a queue for what a schedule cannot deliver": {
      of: queue(),
      among: [
        subject(
          "aws:scheduler/schedule:Schedule",
          { target: { deadLetterConfig: { arn: unknown } } },
          { from: { target: queue() } },
        ),
      ],
    },
  },
  fails: {
    "a queue without": { of: queue(), says: [/no dead-letter queue/] },
    "a queue that nobody may send dead letters to": {
      of: queue({ redriveAllowPolicy: allow("denyAll") }),
      says: [/no dead-letter queue/],
    },
    "a queue that all may send dead letters to, as by default": {
      of: queue({ redriveAllowPolicy: allow("allowAll") }),
      says: [/no dead-letter queue/],
    },
    "a queue that takes the dead letters of no queue in particular": {
      of: queue({ redriveAllowPolicy: allow("byQueue") }),
      says: [/no dead-letter queue/],
    },
    "a queue of which a policy that stands apart says nothing": {
      of: queue(),
      among: [
        subject(
          "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
          { redriveAllowPolicy: "null" },
          { from: { queueUrl: queue() } },
        ),
      ],
      says: [/no dead-letter queue/],
    },
    "a redrive policy without a queue": {
      of: queue({ redrivePolicy: "{}" }),
      says: [/no dead-letter queue/],
    },
    "a redrive policy that is not JSON": {
      of: queue({ redrivePolicy: "{deadLetterTargetArn}" }),
      says: [/not JSON/],
    },
    "a queue that a schedule sends its messages to": {
      of: queue(),
      among: [
        subject(
          "aws:scheduler/schedule:Schedule",
          { target: { arn: unknown } },
          { from: { target: queue() } },
        ),
      ],
      says: [/no dead-letter queue/],
    },
    "a queue beside one that has": {
      of: queue({}, { name: "other" }),
      among: [tasks(), deadLetters],
      says: [/no dead-letter queue/],
    },
  },
  unknown: {
    "a queue with a redrive policy that is not known": { of: queue({ redrivePolicy: unknown }) },
    "a queue with a redrive policy that is not known yet, from a queue: it names that": {
      of: tasks({ redrivePolicy: unknown }),
      among: [deadLetters],
      comesOut: "passes",
    },
    "a dead-letter queue that may take nobody's: a queue sends it some": {
      of: queue({ redriveAllowPolicy: unknown }, { name: "dead-letters" }),
      among: [tasks()],
      comesOut: "passes",
    },
    "a queue that may take nobody's dead letters": {
      of: queue({ redriveAllowPolicy: unknown }),
    },
  },
});

ruleSuite("queue-retention", {
  passes: {
    "a message that can be tried three times before it expires": {
      of: tasks({ visibilityTimeoutSeconds: 900, messageRetentionSeconds: 3600 }),
    },
    "SQS's defaults: 4 days, 30 seconds": { of: tasks() },
    "a queue without redrive, which another rule refuses": {
      of: queue({ messageRetentionSeconds: 60 }),
    },
  },
  fails: {
    "a message that expires with its last attempt": {
      of: tasks({ visibilityTimeoutSeconds: 900, messageRetentionSeconds: 2700 }),
      says: [/messageRetentionSeconds is 2700, and 3 attempts of 900 s take 2700/],
    },
    "one by default retention": {
      of: tasks({ visibilityTimeoutSeconds: 43_200, redrivePolicy: redrive("10") }),
      says: [/is 345600, and 10 attempts of 43200 s take 432000/],
    },
    "one by a redrive policy that stands apart": {
      of: queue({ messageRetentionSeconds: 60 }),
      among: [redriveApart(queue({}), 2)],
      says: [/is 60, and 2 attempts of 30 s take 60/],
    },
    "a redrive policy that does not say how often": {
      of: tasks({ redrivePolicy: "null" }),
      says: [/Infinity attempts/],
    },
  },
  unknown: {
    "a redrive policy that is not known": { of: tasks({ redrivePolicy: unknown }) },
    "a retention that is not known": { of: tasks({ messageRetentionSeconds: unknown }) },
    "a visibility timeout that is not known": { of: tasks({ visibilityTimeoutSeconds: unknown }) },
  },
});

ruleSuite("dead-letters-kept", {
  passes: {
    "a dead-letter queue that keeps them longer": {
      of: queue({ messageRetentionSeconds: 1_209_600 }, { name: "dead-letters" }),
      among: [tasks()],
    },
    "a queue that nobody sends dead letters to": { of: queue({ messageRetentionSeconds: 60 }) },
  },
  fails: {
    "a dead-letter queue with the same retention as its source": {
      of: deadLetters,
      among: [tasks()],
      says: [/messageRetentionSeconds is 345600, and it, which it serves, has 345600/],
    },
    "one whose source's redrive policy stands apart": {
      of: deadLetters,
      among: [queue({ messageRetentionSeconds: 400_000 }), redriveApart(queue())],
      says: [/is 345600, and it, which it serves, has 400000/],
    },
  },
  unknown: {
    "a dead-letter queue whose retention is not known": {
      of: queue({ messageRetentionSeconds: unknown }, { name: "dead-letters" }),
      among: [tasks()],
    },
    "a source whose retention is not known": {
      of: deadLetters,
      among: [tasks({ messageRetentionSeconds: unknown })],
    },
  },
});

const tls = {
  Effect: "Deny",
  Principal: "*",
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const queueTls = { ...tls, Action: "sqs:*", Resource: "arn:aws:sqs:us-west-2:123456789012:tasks" };
const topicTls = {
  ...tls,
  Action: "sns:Publish",
  Resource: "arn:aws:sns:us-west-2:123456789012:alarms",
};
const queuePolicy = (policy: string) =>
  subject("aws:sqs/queuePolicy:QueuePolicy", { policy }, { from: { queueUrl: queue() } });
const topicPolicy = (policy: string) =>
  subject("aws:sns/topicPolicy:TopicPolicy", { policy }, { from: { arn: topic() } });
const plain = [/takes plain HTTP/];

ruleSuite("messages-tls-only", {
  passes: {
    "a queue whose policy denies plain HTTP": {
      of: queue(),
      among: [queuePolicy(document(queueTls))],
    },
    "a queue that has the policy itself": { of: queue({ policy: document(queueTls) }) },
    "a topic whose policy denies plain HTTP": {
      of: topic(),
      among: [topicPolicy(document(topicTls))],
    },
    "a policy with one statement that is no list, and AWS as a kind of principal": {
      of: topic({
        policy: JSON.stringify({ Statement: { ...topicTls, Principal: { AWS: "*" } } }),
      }),
    },
    "a policy with a condition as a boolean": {
      of: queue({
        policy: document({ ...queueTls, Condition: { bool: { "AWS:SecureTransport": false } } }),
      }),
    },
  },
  fails: {
    "a queue without a policy": { of: queue(), says: plain },
    "a topic without a policy": { of: topic(), says: plain },
    "a queue beside one that has a policy": {
      of: queue({}, { name: "other" }),
      among: [queuePolicy(document(queueTls))],
      says: plain,
    },
    "a policy that allows instead": {
      of: queue({ policy: document({ ...queueTls, Effect: "Allow" }) }),
      says: plain,
    },
    "a policy that denies to one role only": {
      of: queue({
        policy: document({ ...queueTls, Principal: { AWS: "arn:aws:iam::123456789012:role/r" } }),
      }),
      says: plain,
    },
    "a policy that denies to all but one role": {
      of: queue({
        policy: document({
          ...queueTls,
          Principal: undefined,
          NotPrincipal: { AWS: "arn:aws:iam::123456789012:role/r" },
        }),
      }),
      says: plain,
    },
    "a policy that denies other actions": {
      of: queue({ policy: document({ ...queueTls, Action: "sqs:GetQueueUrl" }) }),
      says: plain,
    },
    "a policy that denies all but these actions": {
      of: queue({ policy: document({ ...queueTls, Action: undefined, NotAction: "sqs:*" }) }),
      says: plain,
    },
    "a policy that denies under one more condition": {
      of: queue({
        policy: document({
          ...queueTls,
          Condition: { ...tls.Condition, StringEquals: { "aws:SourceVpc": "vpc-0" } },
        }),
      }),
      says: plain,
    },
    "a policy that denies over TLS": {
      of: queue({
        policy: document({ ...queueTls, Condition: { Bool: { "aws:SecureTransport": "true" } } }),
      }),
      says: plain,
    },
  },
  unknown: {
    "a queue's policy that is not known": { of: queue(), among: [queuePolicy(unknown)] },
    "a topic's policy that is not known": { of: topic(), among: [topicPolicy(unknown)] },
    "a policy with a statement that is not known": {
      of: queue({ policy: JSON.stringify({ Statement: [unknown] }) }),
    },
    "a policy of which the queue's ARN is not known: it denies all the same": {
      of: queue({ policy: document({ ...queueTls, Resource: "<output of tasks.arn>" }) }),
      comesOut: "passes",
    },
  },
});
