import assert from "node:assert/strict";
import { ManagedResults } from "../../components/managedResults";
import { TaskFunction } from "../../components/taskFunction";
import type { Runtime } from "../../contracts/tasks/runtimes";
import { construct, type Registry, scope } from "../mocks";

const QUEUE = "aws:sqs/queue:Queue";
const FUNCTION = "aws:lambda/function:Function";
const arn = (rest: string) => `arn:aws:${rest}`;
const endpointArn = arn("sagemaker:us-west-2:123456789012:endpoint/fleet-dev-campaign");
const keyArn = arn("kms:us-west-2:123456789012:key/1");
const runtimes: readonly Runtime[] = [
  {
    name: "campaign",
    adapter: "fleet",
    accelerator: "inf2",
    types: ["text-to-image"],
    longestTaskSeconds: 900,
    endpoint: "fleet-dev-campaign",
  },
];
const managed = {
  endpointArns: [endpointArn],
  endpointsBucketArn: arn("s3:::endpoints"),
  resultTopicArn: arn("sns:us-west-2:123456789012:results"),
  cacheTableArn: arn("dynamodb:us-west-2:123456789012:table/cache"),
};
const topicArns = {
  "campaign-success": arn("sns:us-west-2:123456789012:campaign-success"),
  "campaign-errors": arn("sns:us-west-2:123456789012:campaign-errors"),
};
const tableArn = arn("dynamodb:us-west-2:123456789012:table/tasks");

const create = (stores: object = {}): Promise<Registry> =>
  construct(
    () =>
      void new ManagedResults("task-results", {
        scope,
        topicArns,
        settings: {
          STACK: "dev",
          TABLE_NAME: "tasks",
          RESULTS_BUCKET: "results",
          ENDPOINTS_BUCKET: "endpoints",
          RESULT_TOPIC_ARN: managed.resultTopicArn,
          REQUEST_TTL_SECONDS: "21600",
          METRIC_NAMESPACE: "fleet",
        },
        runtimes,
        stores: {
          ...managed,
          tableArn,
          resultsBucketArn: arn("s3:::results"),
          topicKeyArn: keyArn,
          ...stores,
        },
        logRetentionDays: 30,
      }),
  );

function allowed(made: Registry): readonly string[] {
  return made
    .statements()
    .flatMap(({ statement }) =>
      [statement.Action]
        .flat()
        .flatMap((action) => [statement.Resource].flat().map((to) => `${action} ${to}`)),
    )
    .filter((it) => !/^(logs|xray):/.test(it))
    .sort();
}

describe("ManagedResults", () => {
  it("subscribes its queue to all topics as they publish, and keeps what cannot be delivered", async () => {
    const made = await create();
    const subscriptions = made.ofType("aws:sns/topicSubscription:TopicSubscription");
    assert.deepEqual(
      subscriptions.map(({ inputs }) => inputs.topic).sort(),
      Object.values(topicArns).sort(),
    );
    for (const subscription of subscriptions) {
      assert.equal(subscription.inputs.rawMessageDelivery, true);
      assert.match(
        JSON.parse(subscription.inputs.redrivePolicy).deadLetterTargetArn,
        /:task-results-dead-letters$/,
      );
      for (const policy of made.ofType("aws:sqs/queuePolicy:QueuePolicy"))
        assert.ok(made.waitsFor(subscription, policy));
    }
  });

  it("encrypts both queues, and takes from the endpoints' topics alone", async () => {
    const made = await create();
    for (const { inputs } of made.ofType(QUEUE)) assert.equal(inputs.sqsManagedSseEnabled, true);
    for (const { inputs } of made.ofType("aws:sqs/queuePolicy:QueuePolicy")) {
      const [topics, refusal, ...others] = JSON.parse(inputs.policy).Statement;
      assert.deepEqual(topics.Condition.ArnEquals["aws:SourceArn"], Object.values(topicArns));
      assert.equal(refusal.Effect, "Deny");
      assert.deepEqual(others, []);
    }
  });

  it("gives the function each batch once at a time, and lets it hand back single messages", async () => {
    const made = await create();
    const { inputs } = made.one("aws:lambda/eventSourceMapping:EventSourceMapping");
    assert.deepEqual(inputs.functionResponseTypes, ["ReportBatchItemFailures"]);
    const queue = made.one(QUEUE, "task-results");
    const { timeout } = made.one(FUNCTION).inputs;
    assert.ok(queue.inputs.visibilityTimeoutSeconds >= 6 * timeout);
    assert.ok(JSON.parse(queue.inputs.redrivePolicy).maxReceiveCount >= 5);
    const mapping = made.one("aws:lambda/eventSourceMapping:EventSourceMapping");
    assert.ok(made.waitsFor(mapping, made.one("aws:iam/rolePolicy:RolePolicy")));
  });

  it("has the function look for lost results, by its own rule alone", async () => {
    const made = await create();
    const rule = made.one("aws:cloudwatch/eventRule:EventRule");
    assert.equal(rule.inputs.scheduleExpression, "rate(15 minutes)");
    const permission = made.one("aws:lambda/permission:Permission");
    assert.equal(permission.inputs.principal, "events.amazonaws.com");
    assert.match(permission.inputs.sourceArn, /:rule\/.*task-results-sweep$/);
    const target = made.one("aws:cloudwatch/eventTarget:EventTarget");
    assert.ok(made.waitsFor(target, permission));
    // What the function tells from a batch of the queue.
    assert.deepEqual(JSON.parse(target.inputs.input), { sweep: true });
  });

  it("may bring results back, and no more", async () => {
    const queueArn = "arn:aws:sqs:us-west-2:123456789012:task-results";
    const found = allowed(await create()).filter((it) => !it.startsWith("sqs:"));
    assert.deepEqual(found, [
      "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
      "dynamodb:PutItem arn:aws:dynamodb:us-west-2:123456789012:table/cache",
      "dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/tasks/index/awaited",
      "dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
      "kms:Decrypt arn:aws:kms:us-west-2:123456789012:key/1",
      "kms:GenerateDataKey arn:aws:kms:us-west-2:123456789012:key/1",
      "s3:AbortMultipartUpload arn:aws:s3:::results/*",
      "s3:DeleteObject arn:aws:s3:::results/*",
      "s3:GetObject arn:aws:s3:::endpoints/*/failure/*",
      "s3:GetObject arn:aws:s3:::endpoints/*/output/*",
      "s3:GetObject arn:aws:s3:::results/*",
      "s3:ListBucket arn:aws:s3:::endpoints",
      "s3:ListBucket arn:aws:s3:::results",
      "s3:PutObject arn:aws:s3:::results/*",
      "sagemaker:InvokeEndpointAsync arn:aws:sagemaker:us-west-2:123456789012:endpoint/fleet-dev-campaign",
      "sns:Publish arn:aws:sns:us-west-2:123456789012:results",
    ]);
    const sqs = allowed(await create()).filter((it) => it.startsWith("sqs:"));
    assert.deepEqual(
      sqs.map((it) => it.split(" ")[0]),
      ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"],
      queueArn,
    );
  });

  it("may use the customer's keys by way of S3 only", async () => {
    const made = await create({ endpointsKeyArn: keyArn, resultsKeyArn: keyArn });
    for (const sid of ["DecryptAnswers", "EncryptResults"]) {
      const { statement } = made.statements().find((each) => each.statement.Sid === sid)!;
      assert.deepEqual(statement.Condition, {
        StringEquals: { "kms:ViaService": "s3.us-west-2.amazonaws.com" },
      });
    }
    const answers = made.statements().find(({ statement }) => statement.Sid === "DecryptAnswers");
    assert.deepEqual([answers?.statement.Action].flat(), ["kms:Decrypt"], "answers are read only");
  });
});

describe("TaskFunction with managed runtimes", () => {
  const create = (cacheTableArn: string | undefined) =>
    construct(
      () =>
        void new TaskFunction("task-api", {
          scope,
          settings: {
            STACK: "dev",
            TABLE_NAME: "tasks",
            TASK_TOPIC_ARN: arn("sns:us-west-2:123456789012:tasks"),
            RESULTS_BUCKET: "results",
            INPUTS_BUCKET: "inputs",
            TASK_TTL_SECONDS: "86400",
            LINK_SECONDS: "3600",
            UPLOAD_BYTES: "1048576",
            METRIC_NAMESPACE: "fleet",
          },
          lists: { RUNTIMES: JSON.stringify(runtimes), INPUT_HOSTS: "", INPUT_BUCKETS: "ours" },
          stores: {
            tableArn,
            taskTopicArn: arn("sns:us-west-2:123456789012:tasks"),
            topicKeyArn: keyArn,
            resultsBucketArn: arn("s3:::results"),
            inputsBucketArn: arn("s3:::inputs"),
            managed: { ...managed, cacheTableArn, inputBuckets: ["ours"] },
          },
          logRetentionDays: 30,
        }),
    );

  it("may ask its endpoints, with inputs from the buckets that the config names", async () => {
    const found = allowed(await create(undefined));
    for (const wanted of [
      `sagemaker:InvokeEndpointAsync ${endpointArn}`,
      "s3:GetObject arn:aws:s3:::inputs/uploads/*",
      "s3:GetObject arn:aws:s3:::ours/*",
      "s3:PutObject arn:aws:s3:::endpoints/*/input/*",
      `sns:Publish ${managed.resultTopicArn}`,
    ])
      assert.ok(found.includes(wanted), wanted);
    assert.ok(!found.some((it) => it.startsWith("s3:PutObject arn:aws:s3:::results")));
  });

  it("may read the cache and store results where there is one", async () => {
    const found = allowed(await create(managed.cacheTableArn));
    assert.ok(found.includes(`dynamodb:GetItem ${managed.cacheTableArn}`));
    assert.ok(found.includes("s3:PutObject arn:aws:s3:::results/*"));
  });
});
