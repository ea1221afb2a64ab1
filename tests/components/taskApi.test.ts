import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { TaskApi, type TaskApiArgs } from "../../components/taskApi";
import { construct, type Registry, scope } from "../mocks";

const API = "aws:apigateway/restApi:RestApi";
const STAGE = "aws:apigateway/stage:Stage";
const DEPLOYMENT = "aws:apigateway/deployment:Deployment";

let api: TaskApi;

function create(more: Partial<TaskApiArgs> = {}): Promise<Registry> {
  return construct(() => {
    const target = new aws.lambda.Function("task-api", { role: "arn:aws:iam::1:role/r" });
    api = new TaskApi("task-api", {
      scope,
      function: target,
      stage: "prod",
      authentication: "iam",
      allowedCidrs: [],
      throttle: { ratePerSecond: 50, burst: 100 },
      logRetentionDays: 30,
      ...more,
    });
  });
}

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

describe("TaskApi", () => {
  it("is made from one document, which an update puts in the place of the old one", async () => {
    const { inputs } = (await create()).one(API);
    assert.equal(inputs.putRestApiMode, "overwrite");
    assert.ok(JSON.parse(inputs.body).paths["/v1/tasks"].post);
    assert.deepEqual(inputs.endpointConfiguration, { types: "REGIONAL" });
  });

  it("speaks TLS 1.2 at least, in the document as beside it", async () => {
    const { inputs } = (await create()).one(API);
    assert.match(inputs.securityPolicy, /^SecurityPolicy_TLS13_1_2/);
    const document = JSON.parse(inputs.body);
    assert.equal(document["x-amazon-apigateway-security-policy"], inputs.securityPolicy);
    assert.equal(document["x-amazon-apigateway-endpoint-access-mode"], inputs.endpointAccessMode);
  });

  it("lets this stage of this API call the function, before the stage is there", async () => {
    const made = await create();
    const permission = made.one("aws:lambda/permission:Permission");
    assert.equal(permission.inputs.principal, "apigateway.amazonaws.com");
    assert.match(
      permission.inputs.sourceArn,
      /^arn:aws:execute-api:us-west-2:123456789012:\w+\/prod\/\*\/\*$/,
    );
    assert.ok(made.waitsFor(made.one(STAGE), permission));
  });

  it("deploys again when anything in the document changes, who may come in among it", async () => {
    const deployed = async (more: Partial<TaskApiArgs> = {}) =>
      (await create(more)).one(DEPLOYMENT).inputs.triggers.document;
    assert.equal(await deployed(), await deployed(), "the same twice");
    assert.notEqual(await deployed(), await deployed({ authentication: "key" }));
    assert.notEqual(await deployed(), await deployed({ allowedCidrs: ["203.0.113.0/24"] }));
    assert.equal(await deployed(), await deployed({ quotaPerDay: 10 }), "which is not in it");
  });

  it("logs who asked for what, in a group that forgets, and no bodies", async () => {
    const made = await create();
    const { accessLogSettings, xrayTracingEnabled } = made.one(STAGE).inputs;
    const group = made.one("aws:cloudwatch/logGroup:LogGroup");
    assert.match(accessLogSettings.destinationArn, new RegExp(`:${group.name}$`));
    assert.equal(group.inputs.retentionInDays, 30);
    const format = JSON.parse(accessLogSettings.format);
    for (const [field, variable] of Object.entries({
      sourceIp: "$context.identity.sourceIp",
      keyId: "$context.identity.apiKeyId",
      status: "$context.status",
    }))
      assert.equal(format[field], variable);
    assert.ok(!accessLogSettings.format.includes('identity.apiKey"'), "the key itself");
    assert.equal(xrayTracingEnabled, true);
    const { settings } = made.one("aws:apigateway/methodSettings:MethodSettings").inputs;
    assert.equal(settings.dataTraceEnabled, false);
  });

  it("limits all requests together, and those of each key", async () => {
    const made = await create({ quotaPerDay: 1000 });
    const settings = made.one("aws:apigateway/methodSettings:MethodSettings").inputs;
    assert.equal(settings.methodPath, "*/*");
    assert.equal(settings.settings.throttlingRateLimit, 50);
    assert.equal(settings.settings.throttlingBurstLimit, 100);
    const plan = made.one("aws:apigateway/usagePlan:UsagePlan").inputs;
    assert.deepEqual(plan.throttleSettings, { rateLimit: 50, burstLimit: 100 });
    assert.deepEqual(plan.quotaSettings, { limit: 1000, period: "DAY" });
    assert.deepEqual(plan.apiStages, [{ apiId: "task-api-id", stage: "prod" }]);
  });

  it("limits no key's requests a day unless told to", async () => {
    const plan = (await create()).one("aws:apigateway/usagePlan:UsagePlan").inputs;
    assert.equal(plan.quotaSettings, undefined);
  });

  it("takes the stage out of the usage plan and the web ACL before it goes", async () => {
    const made = await create({ webAclArn: "arn:aws:wafv2:us-west-2:1:regional/webacl/a/1" });
    for (const type of [
      "aws:apigateway/usagePlan:UsagePlan",
      "aws:wafv2/webAclAssociation:WebAclAssociation",
    ])
      assert.ok(made.waitsFor(made.one(type), made.one(STAGE)), type);
  });

  it("has a key that API Gateway makes up, and that is in the plan", async () => {
    const made = await create();
    assert.equal(made.one("aws:apigateway/apiKey:ApiKey").inputs.value, undefined);
    assert.deepEqual(made.one("aws:apigateway/usagePlanKey:UsagePlanKey").inputs, {
      usagePlanId: "task-api-clients-id",
      keyId: "task-api-client-id",
      keyType: "API_KEY",
    });
    assert.equal(await value(api.apiKeyId), "task-api-client-id");
  });

  it("is reached by its public name", async () => {
    await create();
    assert.equal(
      await value(api.url),
      "https://task-api-id.execute-api.us-west-2.amazonaws.com/prod",
    );
  });

  it("is reached through its VPC endpoints only, where it is private", async () => {
    const made = await create({ privateThrough: ["vpce-0123456789abcdef0"] });
    const { inputs } = made.one(API);
    assert.deepEqual(inputs.endpointConfiguration, {
      types: "PRIVATE",
      vpcEndpointIds: ["vpce-0123456789abcdef0"],
    });
    const document = JSON.parse(inputs.body);
    assert.deepEqual(document.servers, [
      {
        "x-amazon-apigateway-endpoint-configuration": {
          vpcEndpointIds: ["vpce-0123456789abcdef0"],
        },
      },
    ]);
    assert.deepEqual(document["x-amazon-apigateway-policy"].Statement[1].Condition, {
      StringNotEquals: { "aws:SourceVpce": ["vpce-0123456789abcdef0"] },
    });
    assert.equal(
      await value(api.url),
      "https://task-api-id-vpce-0123456789abcdef0.execute-api.us-west-2.amazonaws.com/prod",
    );
  });
});
