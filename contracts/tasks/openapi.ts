/**
 * The OpenAPI document of the tasks' API, from the schemas that validate its requests.
 *
 * It keeps to what Amazon API Gateway imports and checks at the edge. Source: API Gateway developer
 * guide, "Amazon API Gateway important notes": models are JSON Schema draft 4 with alphanumeric
 * names, and have no anyOf, oneOf, nullable, exclusiveMinimum, discriminator, readOnly or example.
 * What JSON Schema cannot say is left to the function, so the edge never refuses what it would take.
 */

import * as z from "zod";
import {
  problemSchema,
  runtimeListSchema,
  submittedSchema,
  submittedV1Alpha2Schema,
  taskViewSchema,
  uploadRequestSchema,
  uploadSchema,
} from "./api";
import { taskRequestSchema, taskRequestV1Alpha2Schema } from "./task";

/** A schema as OpenAPI 3.0 and JSON Schema draft 4 both have it. */
export interface SchemaObject {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: SchemaObject;
  readonly properties?: Readonly<Record<string, SchemaObject>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaObject;
}

interface MediaTypes {
  readonly [mediaType: string]: { readonly schema: SchemaObject };
}

interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<
    Record<string, { readonly description: string; readonly schema: SchemaObject }>
  >;
  readonly content?: MediaTypes;
}

export interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly requestBody?: { readonly required: true; readonly content: MediaTypes };
  readonly responses: Readonly<Record<string, ResponseObject>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface ParameterObject {
  readonly name: string;
  readonly in: "path" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: SchemaObject;
}

export interface PathItem {
  readonly parameters?: readonly ParameterObject[];
  readonly get?: OperationObject;
  readonly post?: OperationObject;
  readonly delete?: OperationObject;
}

export interface OpenApiDocument {
  readonly openapi: "3.0.3";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, SchemaObject>>;
    readonly securitySchemes: Readonly<
      Record<string, { readonly type: "apiKey"; readonly name: string; readonly in: "header" }>
    >;
  };
}

/** Version of the API, not of the program. */
const API_VERSION = "1.0.0";

const models = {
  TaskRequest: taskRequestSchema,
  Submitted: submittedSchema,
  Task: taskViewSchema,
  UploadRequest: uploadRequestSchema,
  Upload: uploadSchema,
  Runtimes: runtimeListSchema,
  Problem: problemSchema,
  TaskRequestV1Alpha2: taskRequestV1Alpha2Schema,
  SubmittedV1Alpha2: submittedV1Alpha2Schema,
} as const;

/** The document: plain data, to be written as JSON or given to API Gateway with its integrations. */
export function openApiDocument(): OpenApiDocument {
  return {
    openapi: "3.0.3",
    info: {
      title: "diffusion-fleet tasks",
      version: API_VERSION,
      description: "Submit tasks to the runtimes of a fleet, follow them, and get their results.",
    },
    paths: {
      "/v1/tasks": {
        post: {
          operationId: "submitTask",
          summary: "Submit a task",
          description:
            "The same id with the same body is the same task, however often it is sent; with another body it is refused.",
          requestBody: body("TaskRequest"),
          responses: {
            ...answer("202", "The task will be done.", "Submitted"),
            ...problems("400", "404", "409", "413", "415", "503"),
          },
          security,
        },
      },
      "/v1/tasks/{id}": {
        parameters: [taskParameter],
        get: {
          operationId: "getTask",
          summary: "State of a task, and links to its results",
          responses: {
            ...answer("200", "The task as it is now.", "Task"),
            ...problems("400", "404", "503"),
          },
          security,
        },
        delete: {
          operationId: "cancelTask",
          summary: "Cancel a task that has not started",
          responses: {
            ...answer("200", "The task is cancelled.", "Task"),
            ...problems("400", "404", "409", "503"),
          },
          security,
        },
      },
      "/v1/uploads": {
        post: {
          operationId: "createUpload",
          summary: "A link to upload an input that is too large for a request",
          requestBody: body("UploadRequest"),
          responses: {
            ...answer("201", "A request to make with the input as its body.", "Upload"),
            ...problems("400", "413", "415", "503"),
          },
          security,
        },
      },
      "/v1/runtimes": {
        get: {
          operationId: "listRuntimes",
          summary: "The runtimes and what they can do",
          responses: answer("200", "All of them.", "Runtimes"),
          security,
        },
      },
      "/v1alpha2": {
        post: {
          operationId: "submitTaskV1Alpha2",
          summary: "Submit a task as clients of the guidance do",
          description: "Ids may be used again: each request is a task of its own.",
          requestBody: body("TaskRequestV1Alpha2"),
          responses: {
            ...answer("200", "The task will be done.", "SubmittedV1Alpha2"),
            "400": { description: "What is wrong, as text." },
            "404": { description: "No such runtime; names those that there are, as text." },
            "413": { description: "The request is too large, as text." },
            "503": { description: "Nothing happened; repeat the request." },
          },
          security,
        },
      },
    },
    components: {
      schemas: Object.fromEntries(
        Object.entries(models).map(([name, schema]) => [name, schemaObject(schema)]),
      ),
      securitySchemes: { apiKey: { type: "apiKey", name: "x-api-key", in: "header" } },
    },
  };
}

const security = [{ apiKey: [] }];

const taskParameter: ParameterObject = {
  name: "id",
  in: "path",
  required: true,
  description: "The task's id; ID~RUN for one whose v1alpha2 id was used before.",
  schema: { type: "string" },
};

const problemDescriptions = {
  "400": "A field is wrong; all that are, are named.",
  "404": "No such task or runtime.",
  "409": "The id is another task's, or the task's state does not allow it.",
  "413": "Too large; the answer says what to do.",
  "415": "Not application/json.",
  "503": "AWS could not be asked, and nothing happened; repeat the request.",
} as const;

function body(model: keyof typeof models) {
  return { required: true, content: content(model) } as const;
}

function answer(
  status: string,
  description: string,
  model: keyof typeof models,
): Record<string, ResponseObject> {
  return { [status]: { description, content: content(model) } };
}

function problems(
  ...statuses: readonly (keyof typeof problemDescriptions)[]
): Record<string, ResponseObject> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: problemDescriptions[status],
        ...(status === "503" && {
          headers: {
            "Retry-After": {
              description: "Seconds to wait.",
              schema: { type: "string" },
            },
          },
        }),
        content: content("Problem"),
      },
    ]),
  );
}

function content(model: keyof typeof models): MediaTypes {
  return { "application/json": { schema: { $ref: `#/components/schemas/${model}` } } };
}

/**
 * What zod says of a schema, in the words that API Gateway knows. Any JSON (`z.json()`) is a
 * recursive union, for which it has none: it comes out as a schema that allows anything.
 */
function schemaObject(schema: z.ZodType): SchemaObject {
  const json = z.toJSONSchema(schema, {
    target: "openapi-3.0",
    io: "input",
    unrepresentable: "any",
    reused: "inline",
  });
  return known(json as Record<string, unknown>);
}

/** Keywords that API Gateway checks or lets by. */
const keywords: ReadonlySet<string> = new Set([
  "type",
  "description",
  "format",
  "pattern",
  "enum",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "required",
]);

function known(json: Record<string, unknown>): SchemaObject {
  const { properties, items, additionalProperties: others } = json;
  const kept = Object.entries(json).filter(
    ([key]) => keywords.has(key) && !(key === "pattern" && json.format !== undefined),
  );
  return {
    ...Object.fromEntries(kept),
    ...(isObject(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [
          name,
          known(value as Record<string, unknown>),
        ]),
      ),
    }),
    ...(isObject(items) && { items: known(items) }),
    ...(others === false && { additionalProperties: false }),
    // An empty one, of a record of anything, says nothing.
    ...(isObject(others) &&
      Object.keys(others).length > 0 && { additionalProperties: known(others) }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
