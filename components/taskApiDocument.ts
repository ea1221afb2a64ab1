import { type ProblemCode, problemCodes, REQUEST_BYTES } from "../contracts/tasks/api";
import {
  type OpenApiDocument,
  type OperationObject,
  openApiDocument,
  type PathItem,
  type SchemaObject,
} from "../contracts/tasks/openapi";
import type { PolicyDocument } from "./taskApiAccess";

/**
 * The API as API Gateway imports it: the OpenAPI document of the contract, with what it does not
 * say (who answers, who may ask, what the edge checks) and without what the gateway cannot take.
 *
 * Sources: API Gateway developer guide, "OpenAPI extensions for API Gateway", and "Amazon API
 * Gateway important notes", on REST APIs: models are JSON Schema draft 4 with alphanumeric names, of
 * parameters only name, place and need are read, security schemes are of type apiKey.
 */
export interface TaskApiDocumentArgs {
  /** ARN by which API Gateway calls the function. */
  readonly functionInvokeArn: string;
  /** Requests have to be signed by a principal that may invoke the API, beside the key. */
  readonly signed: boolean;
  /** VPC endpoints of a private API; empty: it is none. */
  readonly vpcEndpointIds: readonly string[];
  /** Who may come in at all. */
  readonly policy: PolicyDocument | undefined;
  readonly securityPolicy: string;
  readonly endpointAccessMode: string;
}

const methods = ["get", "post", "delete"] as const;

const keyScheme = "api_key";

/** Seconds after which a client that was throttled may ask again. */
const throttledSeconds = 1;

export function taskApiDocument(args: TaskApiDocumentArgs): Record<string, unknown> {
  const document = openApiDocument();
  return {
    openapi: "3.0.1",
    info: document.info,
    ...(args.vpcEndpointIds.length === 0 ? {} : { servers: [privateServer(args.vpcEndpointIds)] }),
    paths: Object.fromEntries(
      Object.entries(document.paths).map(([path, item]) => [path, pathItem(item, args)]),
    ),
    components: {
      schemas: requestModels(document),
      securitySchemes: { [keyScheme]: { type: "apiKey", name: "x-api-key", in: "header" } },
    },
    "x-amazon-apigateway-api-key-source": "HEADER",
    "x-amazon-apigateway-request-validators": {
      all: { validateRequestBody: true, validateRequestParameters: true },
    },
    "x-amazon-apigateway-request-validator": "all",
    "x-amazon-apigateway-gateway-responses": gatewayResponses,
    "x-amazon-apigateway-security-policy": args.securityPolicy,
    "x-amazon-apigateway-endpoint-access-mode": args.endpointAccessMode,
    // Here, and not beside the API: an import takes away what it does not name.
    ...(args.policy === undefined ? {} : { "x-amazon-apigateway-policy": args.policy }),
  };
}

function privateServer(vpcEndpointIds: readonly string[]) {
  return { "x-amazon-apigateway-endpoint-configuration": { vpcEndpointIds } };
}

function pathItem(item: PathItem, args: TaskApiDocumentArgs): Record<string, unknown> {
  return Object.fromEntries(
    methods.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [[method, operationOf(operation, item, args)]];
    }),
  );
}

function operationOf(
  { operationId, summary, requestBody, responses }: OperationObject,
  { parameters = [] }: PathItem,
  { functionInvokeArn, signed }: TaskApiDocumentArgs,
): Record<string, unknown> {
  return {
    operationId,
    summary,
    ...(parameters.length === 0
      ? {}
      : {
          parameters: parameters.map(({ name, in: place, required }) => ({
            name,
            in: place,
            required,
            schema: { type: "string" },
          })),
        }),
    ...(requestBody === undefined ? {} : { requestBody }),
    // The function's answers pass as they are.
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { description }]) => [status, { description }]),
    ),
    security: [{ [keyScheme]: [] }],
    "x-amazon-apigateway-auth": { type: signed ? "AWS_IAM" : "NONE" },
    "x-amazon-apigateway-integration": {
      type: "aws_proxy",
      httpMethod: "POST",
      uri: functionInvokeArn,
      payloadFormatVersion: "1.0",
    },
  };
}

/** The models that requests are checked against, by name. */
function requestModels({ paths, components }: OpenApiDocument): Record<string, SchemaObject> {
  const names = Object.values(paths).flatMap((item) =>
    methods.flatMap((method) =>
      Object.values(item[method]?.requestBody?.content ?? {}).map(({ schema }) =>
        schema.$ref!.replace("#/components/schemas/", ""),
      ),
    ),
  );
  return Object.fromEntries(
    names.map((name) => [name, { type: "object", ...shapeOf(components.schemas[name]!) }]),
  );
}

/**
 * What the edge checks of a body: that it is an object (above), that all is there that has to be,
 * and that nothing is there that must not be. All of that the gateway's error names: the body, or
 * the field. Of a wrong type, value, pattern or length it says what it found and what it expected,
 * and not where, and a client is to be told where: so those are left to the function, which names
 * all wrong fields at once. It checks all of it in any case, also what comes as another content
 * type, which the gateway lets by.
 *
 * Sources: API Gateway developer guide, "Request validation for REST APIs"; json-schema-validator,
 * whose words the gateway's errors have. Of `additionalProperties` the guide's important
 * notes have said that models do not support it, and users that it works (aws/aws-cdk, issue 3993
 * and pull request 3997); where it does not, the function is asked once more.
 */
export function shapeOf({
  description,
  required,
  properties,
  additionalProperties,
}: SchemaObject): SchemaObject {
  return {
    ...(description === undefined ? {} : { description }),
    ...(required === undefined || required.length === 0 ? {} : { required }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, schema]) => [name, shapeOf(schema)]),
          ),
        }),
    ...(additionalProperties === false ? { additionalProperties } : {}),
  };
}

interface GatewayResponse {
  readonly statusCode?: number;
  readonly responseParameters?: Readonly<Record<string, string>>;
  readonly responseTemplates: Readonly<Record<string, string>>;
}

/** What the gateway says where no function is asked: the contract's problems, with the field. */
const gatewayResponses: Readonly<Record<string, GatewayResponse>> = {
  BAD_REQUEST_BODY: refusal("invalid", "The body is wrong: $context.error.validationErrorString", {
    field: "body",
    allowed: "$context.error.validationErrorString",
  }),
  BAD_REQUEST_PARAMETERS: refusal("invalid", "$context.error.message", {
    field: "parameters",
    allowed: "$context.error.validationErrorString",
  }),
  REQUEST_TOO_LARGE: refusal("too-large", "$context.error.message", {
    field: "body",
    allowed: `${REQUEST_BYTES / 1024 ** 2} MiB, base64 counted; larger inputs go by POST /v1/uploads`,
  }),
  UNSUPPORTED_MEDIA_TYPE: refusal("unsupported-media-type", "$context.error.message", {
    field: "Content-Type",
    allowed: "application/json",
  }),
  INVALID_API_KEY: refusal("forbidden", "$context.error.message", {
    field: "x-api-key",
    allowed: "a key of this API's usage plan",
  }),
  // Also the answer for a path or method that is not there: the gateway does not tell them apart.
  MISSING_AUTHENTICATION_TOKEN: refusal("forbidden", "$context.error.message", {
    field: "Authorization",
    allowed: "a signed request (Signature Version 4) to a path and method of this API",
  }),
  ACCESS_DENIED: refusal("forbidden", "$context.error.message", {
    field: "Authorization",
    allowed: "a principal that may invoke this API, from where it may be called",
  }),
  THROTTLED: throttled("the rate of the key's usage plan, and of the API"),
  QUOTA_EXCEEDED: throttled("the requests a day of the key's usage plan"),
  DEFAULT_4XX: refusal(undefined, "$context.error.message", {
    field: "request",
    allowed: "$context.error.responseType",
  }),
  DEFAULT_5XX: template({ code: "internal", message: "$context.error.message", fields: [] }),
};

interface Refused {
  readonly field: string;
  readonly allowed: string;
}

/** @param code of the contract; absent: the gateway's own status, and an invalid request */
function refusal(code: ProblemCode | undefined, message: string, field: Refused): GatewayResponse {
  return {
    ...(code === undefined ? {} : { statusCode: problemCodes[code] }),
    ...template({ code: code ?? "invalid", message, fields: [field] }),
  };
}

function throttled(allowed: string): GatewayResponse {
  return {
    ...refusal("throttled", "$context.error.message", { field: "x-api-key", allowed }),
    responseParameters: { "gatewayresponse.header.Retry-After": `'${throttledSeconds}'` },
  };
}

/** Variables in a template are put in as they are, quotes in them escaped; there is no logic in it. */
function template(error: {
  readonly code: string;
  readonly message: string;
  readonly fields: readonly Refused[];
}): GatewayResponse {
  return { responseTemplates: { "application/json": JSON.stringify({ error }) } };
}
