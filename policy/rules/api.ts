import { z } from "zod";
import { listed } from "../listed";
import { isSet, type Resource, referring } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

const apiType = "aws:apigateway/restApi:RestApi";
const methodType = "aws:apigateway/method:Method";
const stageType = "aws:apigateway/stage:Stage";
const settingsType = "aws:apigateway/methodSettings:MethodSettings";
const functionType = "aws:lambda/function:Function";
const mappingType = "aws:lambda/eventSourceMapping:EventSourceMapping";

/** What of an OpenAPI path item is an operation. */
const methods = ["get", "put", "post", "delete", "patch", "head"];

/** As much of an operation as says who may ask for it. */
interface Operation {
  readonly security?: unknown;
  readonly "x-amazon-apigateway-auth"?: { readonly type?: string } | null;
}

interface ApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation | null>> | null>>;
  readonly security?: unknown;
}

/** Whether there is a security requirement, and none that is empty, by which all may come. */
function hasSecurity(security: unknown): boolean {
  const requirements = listed<object>(security as object);
  return (
    requirements.length > 0 &&
    requirements.every((requirement) => Object.keys(requirement).length > 0)
  );
}

/** Operations that everybody may ask for, as `GET /path`. */
function openOperations({ paths, security }: ApiDocument): string[] {
  return Object.entries(paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {})
      .filter(([method]) => methods.includes(method))
      .filter(([, operation]) => {
        const signed = String(operation?.["x-amazon-apigateway-auth"]?.type).toUpperCase();
        return signed !== "AWS_IAM" && !hasSecurity(operation?.security ?? security);
      })
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

const credentials = resourceRule({
  name: "api-requires-credentials",
  level: "mandatory",
  protectsFrom: "An API that everybody on the internet may submit work to, at our cost.",
  remedy: "Ask for a signature (AWS_IAM), an authorizer or an API key, for each operation.",
  types: [apiType, methodType],
  check: ({ type, props }, report) => {
    if (type === methodType) {
      if (props.authorization === "NONE" && props.apiKeyRequired !== true)
        report("authorization is NONE, and apiKeyRequired is not true");
      return;
    }
    if (!isSet(props, "body")) return;
    const document: ApiDocument | null = JSON.parse(props.body);
    for (const operation of openOperations(document ?? {}))
      report(`body: ${operation} asks for nothing`);
  },
});

const stageLogged = resourceRule({
  name: "api-stage-logged",
  level: "mandatory",
  protectsFrom: "Requests that nobody can trace back to who made them.",
  remedy: "Set accessLogSettings.destinationArn, and a format with the caller and the status.",
  types: [stageType],
  check: ({ props }, report) => {
    if (!isSet(props, "accessLogSettings")) report("accessLogSettings is not set");
  },
});

const stageThrottled = stackRule({
  name: "api-stage-throttled",
  level: "mandatory",
  protectsFrom:
    "One client that uses up the account's requests for all APIs, and fills a queue that costs money.",
  remedy:
    "Give the stage MethodSettings for */* with throttlingRateLimit and throttlingBurstLimit.",
  types: [stageType],
  check: (stage, stack, report) => {
    const throttled = referring(stack, stage, "stageName", settingsType).some(isThrottled);
    if (!throttled) report("has no limit of requests");
  },
});

/** -1 is the provider's word for no limit. */
function isThrottled({ props }: Resource): boolean {
  return (
    props.methodPath === "*/*" &&
    props.settings?.throttlingRateLimit >= 0 &&
    props.settings?.throttlingBurstLimit >= 0
  );
}

const noDataTrace = resourceRule({
  name: "api-no-data-trace",
  level: "mandatory",
  protectsFrom: "Prompts, pictures and keys that lie in a log in plain text.",
  remedy: "Leave settings.dataTraceEnabled false; access logs say who asked for what.",
  types: [settingsType],
  check: ({ props }, report) => {
    if (props.settings?.dataTraceEnabled === true) report("settings.dataTraceEnabled is true");
  },
});

const functionRuntime = resourceRule({
  name: "function-runtime-supported",
  level: "mandatory",
  protectsFrom: "A function on a runtime that gets no security patches, or soon none.",
  remedy: "Take a runtime of the list, which policy/config.json may extend.",
  types: [functionType],
  config: {
    runtimes: z
      .array(z.string())
      .default([
        "nodejs22.x",
        "nodejs24.x",
        "python3.12",
        "python3.13",
        "python3.14",
        "provided.al2023",
      ])
      .describe("Runtimes that a function may have."),
  },
  check: ({ props }, report, { runtimes }) => {
    if (props.packageType === "Image") return;
    if (!runtimes.includes(props.runtime)) report(`runtime is ${props.runtime ?? "not set"}`);
  },
});

const functionLogs = resourceRule({
  name: "function-log-group",
  level: "mandatory",
  protectsFrom: "Logs in a group that Lambda makes itself, and that are kept for ever.",
  remedy: "Name a log group with a retention in loggingConfig.logGroup.",
  types: [functionType],
  check: ({ props }, report) => {
    if (!isSet(props.loggingConfig, "logGroup")) report("loggingConfig.logGroup is not set");
  },
});

const functionArchitecture = resourceRule({
  name: "function-on-arm",
  level: "advisory",
  protectsFrom: "A function that costs a fifth more than it has to.",
  remedy: "Set architectures to arm64.",
  types: [functionType],
  check: ({ props }, report) => {
    const [architecture = "x86_64"] = listed(props.architectures);
    if (architecture !== "arm64") report(`its architecture is ${architecture}`);
  },
});

const singleFailures = resourceRule({
  name: "function-reports-single-failures",
  level: "mandatory",
  protectsFrom:
    "A message that cannot be handled and takes its whole batch along: all are handled again, and end among the dead letters with it.",
  remedy: "Set functionResponseTypes to ReportBatchItemFailures, or batchSize to 1.",
  types: [mappingType],
  check: ({ props }, report) => {
    if (props.batchSize === 1) return;
    if (!listed(props.functionResponseTypes).includes("ReportBatchItemFailures"))
      report("functionResponseTypes does not name ReportBatchItemFailures");
  },
});

export const api: Area = {
  title: "APIs and functions",
  rules: [
    credentials,
    stageLogged,
    stageThrottled,
    noDataTrace,
    functionRuntime,
    functionLogs,
    functionArchitecture,
    singleFailures,
  ],
};
