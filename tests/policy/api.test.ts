import { ruleSuite } from "./ruleSuite";
import { subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const restApi = (props: Props = {}) => subject("aws:apigateway/restApi:RestApi", props);
const document = (operation: unknown, more: Props = {}) =>
  JSON.stringify({ paths: { "/tasks": { post: operation, parameters: [] } }, ...more });
const method = (props: Props) => subject("aws:apigateway/method:Method", props);
const stage = (props: Props = {}) =>
  subject("aws:apigateway/stage:Stage", { stageName: "prod", ...props }, { name: "stage" });
const settings = (props: Props) =>
  subject(
    "aws:apigateway/methodSettings:MethodSettings",
    { methodPath: "*/*", ...props },
    { from: { stageName: stage() } },
  );
const lambda = (props: Props = {}) => subject("aws:lambda/function:Function", props);

const mapping = (props: Props = {}) =>
  subject("aws:lambda/eventSourceMapping:EventSourceMapping", props);

ruleSuite("api-requires-credentials", {
  passes: {
    "an API whose requests are signed": {
      of: restApi({ body: document({ "x-amazon-apigateway-auth": { type: "aws_iam" } }) }),
    },
    "one that wants a key": { of: restApi({ body: document({ security: [{ api_key: [] }] }) }) },
    "one that wants a key for all that it has": {
      of: restApi({ body: document({}, { security: [{ api_key: [] }] }) }),
    },
    "one whose integration is not known yet": {
      of: restApi({
        body: document({
          security: [{ api_key: [] }],
          "x-amazon-apigateway-integration": { uri: "<output of task-api.invokeArn>" },
        }),
      }),
    },
    "one whose methods stand apart": { of: restApi() },
    "a method with an authorizer": { of: method({ authorization: "CUSTOM" }) },
    "a method with a key": { of: method({ authorization: "NONE", apiKeyRequired: true }) },
  },
  fails: {
    "an operation that asks for nothing": {
      of: restApi({ body: document({ "x-amazon-apigateway-auth": { type: "NONE" } }) }),
      says: [/POST \/tasks asks for nothing/],
    },
    "one that can also be had for nothing": {
      of: restApi({ body: document({ security: [{ api_key: [] }, {}] }) }),
      says: [/POST \/tasks asks for nothing/],
    },
    "one that needs less than the rest": {
      of: restApi({ body: document({ security: [] }, { security: [{ api_key: [] }] }) }),
      says: [/POST \/tasks asks for nothing/],
    },
    "an open method": { of: method({ authorization: "NONE" }), says: [/authorization is NONE/] },
  },
  unknown: {
    "a document that is not known": { of: restApi({ body: unknown }) },
    "a method's authorization": { of: method({ authorization: unknown }) },
  },
});

ruleSuite("api-stage-logged", {
  passes: {
    "a stage with an access log": {
      of: stage({ accessLogSettings: { destinationArn: unknown, format: "$context.requestId" } }),
    },
  },
  fails: { "a stage without": { of: stage(), says: [/accessLogSettings is not set/] } },
  unknown: {
    "an access log that is not known yet: there is one": {
      of: stage({ accessLogSettings: unknown }),
      comesOut: "passes",
    },
  },
});

ruleSuite("api-stage-throttled", {
  passes: {
    "a stage with limits for all methods": {
      of: stage(),
      among: [settings({ settings: { throttlingRateLimit: 50, throttlingBurstLimit: 100 } })],
    },
  },
  fails: {
    "a stage without settings": { of: stage(), says: [/no limit of requests/] },
    "settings of one method": {
      of: stage(),
      among: [
        settings({
          methodPath: "v1/GET",
          settings: { throttlingRateLimit: 50, throttlingBurstLimit: 100 },
        }),
      ],
      says: [/no limit of requests/],
    },
    "settings without a limit, as by default": {
      of: stage(),
      among: [settings({ settings: { throttlingRateLimit: -1, throttlingBurstLimit: -1 } })],
      says: [/no limit of requests/],
    },
    "settings of another stage": {
      of: subject("aws:apigateway/stage:Stage", { stageName: "other" }, { name: "other" }),
      among: [settings({ settings: { throttlingRateLimit: 50, throttlingBurstLimit: 100 } })],
      says: [/no limit of requests/],
    },
  },
  unknown: {
    "limits that are not known": { of: stage(), among: [settings({ settings: unknown })] },
  },
});

ruleSuite("api-no-data-trace", {
  passes: {
    "settings that leave it off": { of: settings({ settings: { dataTraceEnabled: false } }) },
    "settings that do not say": { of: settings({ settings: {} }) },
  },
  fails: {
    "settings that log all bodies": {
      of: settings({ settings: { dataTraceEnabled: true } }),
      says: [/dataTraceEnabled is true/],
    },
  },
  unknown: {
    "settings that are not known": { of: settings({ settings: { dataTraceEnabled: unknown } }) },
  },
});

ruleSuite("function-runtime-supported", {
  passes: {
    "a function on a current runtime": { of: lambda({ runtime: "nodejs24.x" }) },
    "a function from an image": { of: lambda({ packageType: "Image" }) },
    "a function on a runtime that was added": {
      of: lambda({ runtime: "java25" }),
      config: { runtimes: ["java25"] },
    },
  },
  fails: {
    "a function on an old one": {
      of: lambda({ runtime: "nodejs18.x" }),
      says: [/runtime is nodejs18\.x/],
    },
    "a function on none": { of: lambda(), says: [/runtime is not set/] },
  },
  unknown: { "a runtime that is not known": { of: lambda({ runtime: unknown }) } },
});

ruleSuite("function-log-group", {
  passes: {
    "a function with a log group of its own": {
      of: lambda({ loggingConfig: { logGroup: "/aws/lambda/it" } }),
    },
  },
  fails: {
    "a function without": { of: lambda(), says: [/loggingConfig\.logGroup is not set/] },
    "a function that only says how": {
      of: lambda({ loggingConfig: { logFormat: "JSON" } }),
      says: [/loggingConfig\.logGroup is not set/],
    },
  },
  unknown: { "a logging that is not known": { of: lambda({ loggingConfig: unknown }) } },
});

ruleSuite("function-on-arm", {
  passes: { "a function on arm64": { of: lambda({ architectures: ["arm64"] }) } },
  fails: {
    "a function on what Lambda takes by default": {
      of: lambda(),
      says: [/its architecture is x86_64/],
    },
  },
  unknown: {
    "an architecture that is not known": { of: lambda({ architectures: [unknown] }) },
  },
});

ruleSuite("function-reports-single-failures", {
  passes: {
    "a mapping whose function names what failed": {
      of: mapping({ batchSize: 10, functionResponseTypes: ["ReportBatchItemFailures"] }),
    },
    "a mapping of one message at a time": { of: mapping({ batchSize: 1 }) },
  },
  fails: {
    "a mapping that takes a batch for one": {
      of: mapping({ functionResponseTypes: [] }),
      says: [/functionResponseTypes does not name ReportBatchItemFailures/],
    },
    "a mapping that says nothing of it": {
      of: mapping({ batchSize: 10 }),
      says: [/functionResponseTypes does not name ReportBatchItemFailures/],
    },
  },
  unknown: {
    "response types that are not known": { of: mapping({ functionResponseTypes: unknown }) },
    "a batch size that is not known": { of: mapping({ batchSize: unknown }) },
  },
});
