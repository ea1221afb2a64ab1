import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { TaskFunction } from "../../components/taskFunction";
import { taskFunctionArchive, taskFunctionBundle } from "../../components/taskFunctionCode";
import { TASK_API_LISTS_FILE } from "../../contracts/tasks/settings";
import { construct, type Registry, scope } from "../mocks";

const FUNCTION = "aws:lambda/function:Function";

/** More than an environment has room for. */
const runtimes = Array.from({ length: 50 }, (_, index) => ({
  name: `sdxl-${index}`,
  adapter: "comfyui",
  accelerator: "g5",
  types: ["pipeline"],
  longestTaskSeconds: 600,
}));
const lists = {
  RUNTIMES: JSON.stringify(runtimes),
  INPUT_HOSTS: Array.from({ length: 50 }, (_, index) => `images-${index}.example.com`).join(","),
  INPUT_BUCKETS: "",
};
const settings = {
  STACK: "dev",
  TABLE_NAME: "tasks",
  TASK_TOPIC_ARN: "arn:aws:sns:us-west-2:123456789012:tasks",
  RESULTS_BUCKET: "results",
  INPUTS_BUCKET: "inputs",
  TASK_TTL_SECONDS: "86400",
  LINK_SECONDS: "3600",
  UPLOAD_BYTES: "1048576",
  METRIC_NAMESPACE: "fleet",
};

function create(before: readonly pulumi.Resource[] = []): Promise<Registry> {
  return construct(
    () =>
      void new TaskFunction(
        "task-api",
        {
          scope,
          settings,
          lists,
          stores: {
            tableArn: "arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
            taskTopicArn: settings.TASK_TOPIC_ARN,
            topicKeyArn: "arn:aws:kms:us-west-2:123456789012:key/1",
            resultsBucketArn: "arn:aws:s3:::results",
            inputsBucketArn: "arn:aws:s3:::inputs",
          },
          logRetentionDays: 30,
        },
        { dependsOn: before },
      ),
  );
}

/** What Lambda unpacks. */
async function files(): Promise<Record<string, string>> {
  const { assets } = taskFunctionArchive(lists) as unknown as {
    assets: Promise<Record<string, pulumi.asset.StringAsset>>;
  };
  const texts = Object.entries(await assets).map(async ([name, { text }]) => [name, await text]);
  return Object.fromEntries(await Promise.all(texts));
}

describe("TaskFunction", () => {
  it("runs on arm64, traced, and logs to a group that forgets", async () => {
    const made = await create();
    const { inputs } = made.one(FUNCTION);
    assert.deepEqual(inputs.architectures, ["arm64"]);
    assert.match(inputs.runtime, /^nodejs\d+\.x$/);
    assert.deepEqual(inputs.tracingConfig, { mode: "Active" });
    const group = made.one("aws:cloudwatch/logGroup:LogGroup");
    assert.equal(inputs.loggingConfig.logGroup, group.inputs.name);
    assert.equal(group.inputs.retentionInDays, 30);
  });

  it("answers before API Gateway gives up, which it does after 29 seconds", async () => {
    assert.ok((await create()).one(FUNCTION).inputs.timeout < 29);
  });

  it("may work with its own table, topic and folders, and no more than it does", async () => {
    const made = await create();
    const allowed = made
      .statements()
      .flatMap(({ statement }) =>
        [statement.Action]
          .flat()
          .flatMap((action) => [statement.Resource].flat().map((arn) => `${action} ${arn}`)),
      );
    assert.deepEqual(allowed.filter((it) => !/^(logs|xray):/.test(it)).sort(), [
      "dynamodb:DeleteItem arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
      "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
      "dynamodb:PutItem arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
      "dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/tasks",
      "kms:Decrypt arn:aws:kms:us-west-2:123456789012:key/1",
      "kms:GenerateDataKey arn:aws:kms:us-west-2:123456789012:key/1",
      "s3:GetObject arn:aws:s3:::results/*",
      "s3:PutObject arn:aws:s3:::inputs/content/*",
      "s3:PutObject arn:aws:s3:::inputs/uploads/*",
      "sns:Publish arn:aws:sns:us-west-2:123456789012:tasks",
    ]);
    const key = made.statements().find(({ statement }) => statement.Sid === "EncryptTasks")!;
    assert.deepEqual(key.statement.Condition, {
      StringEquals: { "kms:ViaService": "sns.us-west-2.amazonaws.com" },
    });
  });

  it("is there after its rights and log group, and goes before them", async () => {
    const made = await create();
    const target = made.one(FUNCTION);
    for (const type of ["aws:iam/rolePolicy:RolePolicy", "aws:cloudwatch/logGroup:LogGroup"])
      assert.ok(made.waitsFor(target, made.one(type)), type);
  });

  it("has room for any number of runtimes and hosts, which are not in its environment", async () => {
    const { variables } = (await create()).one(FUNCTION).inputs.environment;
    assert.deepEqual(variables, settings);
    assert.ok(lists.RUNTIMES.length > 4096, "which is all that Lambda gives an environment");
  });

  it("answers from its two files, with the settings and lists that it is given", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-function-"));
    try {
      for (const [name, text] of Object.entries(await files()))
        writeFileSync(join(folder, name), text);
      const event = {
        httpMethod: "GET",
        path: "/v1/runtimes",
        resource: "/v1/runtimes",
        headers: {},
        multiValueHeaders: {},
        pathParameters: null,
        queryStringParameters: null,
        requestContext: { requestId: "1", stage: "prod", path: "/prod/v1/runtimes", identity: {} },
        body: null,
        isBase64Encoded: false,
      };
      const script = `require("./index.js").handler(${JSON.stringify(event)}, { functionName: "f", awsRequestId: "1" })
        .then((answer) => process.stderr.write(JSON.stringify(answer)))`;
      const { status, stderr } = spawnSync(process.execPath, ["-e", script], {
        cwd: folder,
        encoding: "utf8",
        env: {
          ...settings,
          PATH: process.env.PATH,
          AWS_REGION: "us-west-2",
          LAMBDA_TASK_ROOT: folder,
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
        },
      });
      assert.equal(status, 0, stderr);
      const answer = JSON.parse(stderr);
      assert.equal(answer.statusCode, 200);
      assert.deepEqual(JSON.parse(answer.body).runtimes, runtimes);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("has nothing of this machine in its code, and less than 2 MiB", async () => {
    const code = await taskFunctionBundle();
    assert.ok(!code.includes(process.cwd()), "a path of this machine");
    assert.ok(Buffer.byteLength(code) < 2 * 1024 * 1024);
    assert.deepEqual(Object.keys(await files()), ["index.js", TASK_API_LISTS_FILE]);
  });
});
