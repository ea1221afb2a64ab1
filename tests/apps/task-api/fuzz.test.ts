import assert from "node:assert/strict";
import Ajv from "ajv";
import fc from "fast-check";
import type { z } from "zod";
import {
  problemSchema,
  type UploadRequest,
  uploadRequestSchema,
} from "../../../contracts/tasks/api";
import { openApiDocument, type SchemaObject } from "../../../contracts/tasks/openapi";
import {
  type TaskRequest,
  type TaskRequestV1Alpha2,
  type TaskType,
  taskRequestSchema,
  taskRequestV1Alpha2Schema,
} from "../../../contracts/tasks/task";
import { describeOnMoto } from "../../python/moto";
import { type Answer, type ApiProcess, createWorld, runtimes, send, startApi } from "./apiOnMoto";

const { schemas } = openApiDocument().components;
const ajv = new Ajv({ strict: false });

/** Less than the document says: a stack sets it. */
const UPLOAD_BYTES = 1_000_000;

interface Tested {
  /** What validates the body. */
  readonly schema: z.ZodType;
  readonly path: string;
  /** Status and field of what is refused although it fits; undefined: it is done. */
  // biome-ignore lint/suspicious/noExplicitAny: what the document says, of another type each
  readonly refused: (body: any) => readonly [number, string] | undefined;
}

/** The bodies that the API takes, by what the document calls them. */
const requests: Readonly<Record<string, Tested>> = {
  TaskRequest: {
    schema: taskRequestSchema,
    path: "/v1/tasks",
    refused: ({ runtime, type }: TaskRequest) => notTaken(runtime, type, "runtime", "type"),
  },
  UploadRequest: {
    schema: uploadRequestSchema,
    path: "/v1/uploads",
    refused: ({ bytes }: UploadRequest) => (bytes > UPLOAD_BYTES ? [413, "bytes"] : undefined),
  },
  TaskRequestV1Alpha2: {
    schema: taskRequestV1Alpha2Schema,
    path: "/v1alpha2",
    refused: ({ task: { metadata } }: TaskRequestV1Alpha2) =>
      notTaken(
        metadata.runtime,
        metadata.tasktype,
        "task.metadata.runtime",
        "task.metadata.tasktype",
      ),
  },
};

function notTaken(
  name: string,
  type: TaskType,
  runtimeField: string,
  typeField: string,
): readonly [number, string] | undefined {
  const runtime = runtimes.find((known) => known.name === name);
  if (runtime === undefined) return [404, runtimeField];
  return runtime.types.includes(type) ? undefined : [400, typeField];
}

for (const [name, { schema }] of Object.entries(requests))
  describe(`${name} of the OpenAPI document`, () => {
    const model = schemas[name] as SchemaObject;
    const fits = ajv.compile(model);

    it("lets nothing by that is refused later", () => {
      fc.assert(
        fc.property(valid(model), (body) => {
          assert.ok(fits(body), JSON.stringify(fits.errors));
          const { error } = schema.safeParse(body);
          assert.equal(error, undefined, `${JSON.stringify(body)}: ${error}`);
        }),
        { numRuns: 500 },
      );
    });

    it("refuses nothing that would be taken", () => {
      fc.assert(
        fc.property(mutated(model), ({ body }) => {
          assert.equal(fits(body), schema.safeParse(body).success, JSON.stringify(body));
        }),
        { numRuns: 2000 },
      );
    });
  });

describeOnMoto("Any request to the tasks' API", (moto) => {
  let api: ApiProcess;
  before("start the API", async () => {
    const { environment } = await createWorld(moto(), { UPLOAD_BYTES: String(UPLOAD_BYTES) });
    api = await startApi(environment);
  });
  after("stop it", () => api?.stop());

  for (const [name, { schema, path, refused }] of Object.entries(requests)) {
    const model = schemas[name] as SchemaObject;

    it(`is done by ${path} when it fits, or refused with the one field that this stack does not take`, async () => {
      await fc.assert(
        fc.asyncProperty(valid(model), async (body) => {
          const answer = await send("POST", api.url + path, body);
          const { status, text } = answer;
          const [expected, field] = refused(body) ?? [];
          if (expected !== undefined) {
            assert.equal(status, expected, text);
            assert.deepEqual(fieldsOf(answer), [field]);
          } else if (status === 409 && path === "/v1/tasks")
            // Short ids come twice, with another body.
            assert.deepEqual(fieldsOf(answer), ["id"]);
          else assert.ok(status >= 200 && status < 300, `${status} ${text}`);
        }),
        { numRuns: 60 },
      );
    });

    it(`is refused by ${path} with the fields that are wrong, when it does not fit`, async () => {
      await fc.assert(
        fc.asyncProperty(mutated(model), async ({ body, changed }) => {
          fc.pre(!schema.safeParse(body).success);
          const answer = await send("POST", api.url + path, body ?? "null");
          assert.equal(answer.status, 400, answer.text);
          const fields = fieldsOf(answer);
          assert.ok(fields.length > 0);
          for (const field of fields)
            assert.ok(
              changed.some((place) => isWithin(field, place)),
              `${changed.join(" and ")} changed in ${JSON.stringify(body)}: ${answer.text}`,
            );
        }),
        { numRuns: 100 },
      );
    });
  }

  it("is answered, however its body, path and method are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"),
        fc.oneof(
          fc.constantFrom("/v1/tasks", "/v1/uploads", "/v1/runtimes", "/v1alpha2", "/v1/tasks/x"),
          fc.webPath(),
          fc.webPath().map((path) => `/v1/tasks${path}`),
        ),
        fc.oneof(fc.string(), fc.json()),
        async (method, path, body) => {
          const hasBody = method !== "GET" && method !== "HEAD";
          const { status, text } = await send(method, api.url + path, hasBody ? body : undefined);
          assert.ok(status < 500, `${method} ${path} ${body}: ${status} ${text}`);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** The fields that a refusal names: in its JSON, or a line each below the headline of its text. */
function fieldsOf({ body, text }: Answer): readonly string[] {
  if (body !== undefined) return problemSchema.parse(body).error.fields.map(({ field }) => field);
  const [, ...lines] = text.trimEnd().split("\n");
  return lines.map((line) => /^([^\s:]+)(?: is .*)?: ./.exec(line)?.[1] ?? `no field: ${line}`);
}

function isWithin(field: string, place: string): boolean {
  return field === place || field.startsWith(`${place}.`);
}

/** Values that fit a schema, as one who reads only the document would make them. */
function valid(schema: SchemaObject, name = ""): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "object":
      return object(schema);
    case "string":
      return text(schema, name);
    case "integer":
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 9, 2e9) });
    case undefined:
      return json;
    default:
      throw new Error(`nothing is made for ${schema.type}`);
  }
}

function object({ properties = {}, required = [] }: SchemaObject): fc.Arbitrary<unknown> {
  if (Object.keys(properties).length === 0)
    return fc.dictionary(word, json, { maxKeys: 4, noNullPrototype: true });
  const fields = Object.entries(properties).map(
    ([name, property]) => [name, valid(property, name)] as const,
  );
  return fc.record(Object.fromEntries(fields), {
    requiredKeys: [...required],
    noNullPrototype: true,
  });
}

const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_ -]{0,10}$/);

/** Texts have no `:` so that they are no URLs, which the document says nothing of. */
const json = fc
  .jsonValue({ maxDepth: 3, depthSize: "small" })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll(":/", "")) as unknown)
  .filter((value) => !/"(__proto__)?":|e[+-]?\d\d/.test(JSON.stringify(value)) && isExact(value));

/** Numbers that a program cannot hold are refused, of which the document says nothing either. */
function isExact(value: unknown): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}

function text({ pattern, minLength = 0, maxLength = 64 }: SchemaObject, name: string) {
  const allowed = new RegExp(pattern ?? "");
  const chars = "abzAZ09-_./!*'()~".split("");
  const made = fc.oneof(
    fc.string({ unit: fc.constantFrom(...chars), minLength, maxLength: Math.min(maxLength, 64) }),
    fc.stringMatching(/^[a-z][-a-z0-9]{0,20}[a-z0-9]$/),
  );
  const fitting = made.filter((one) => allowed.test(one));
  // Otherwise nearly all would be refused for their runtime.
  const known = fc.constantFrom(...runtimes.map((runtime) => runtime.name));
  return name === "runtime" ? fc.oneof({ arbitrary: known, weight: 3 }, fitting) : fitting;
}

interface Mutated {
  readonly body: unknown;
  /** Paths of what is no longer as it was. */
  readonly changed: readonly string[];
}

/** Values that fit a schema but for one part, which, wherever it lies, is left out, replaced, renamed or added. */
function mutated(model: SchemaObject): fc.Arbitrary<Mutated> {
  const odd = fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    "",
    " ",
    "a b",
    "ä",
    "a/../b",
    "..",
    "x".repeat(300),
    [],
    [null],
    {},
    { a: 1 },
  );
  return fc
    .tuple(
      valid(model),
      fc.nat(),
      odd,
      fc.constantFrom("drop", "replace", "rename", "add", "whole"),
    )
    .map(([value, at, part, how]) => {
      const copy = structuredClone(value);
      const places = objects(copy).flatMap(({ parent, path }) =>
        Object.keys(parent).map((key) => ({ parent, path, key })),
      );
      const place = places[at % Math.max(1, places.length)];
      if (how === "whole" || place === undefined)
        return { body: part, changed: wholly(part, model) };
      const { parent, path, key } = place;
      // All names of the schemas are words; what is within a list fits whatever it is.
      const old = [...path, key].join(".");
      const other = `${old}x`;
      if (how === "replace") parent[key] = part;
      else if (how === "add") parent[`${key}x`] = part;
      else {
        if (how === "rename") parent[`${key}x`] = parent[key];
        delete parent[key];
      }
      const changed = { replace: [old], drop: [old], add: [other], rename: [old, other] };
      return { body: copy, changed: changed[how] };
    });
}

/** What is to be named of another body: itself, or what that object lacks or has. */
function wholly(body: unknown, { required = [] }: SchemaObject): readonly string[] {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  return isObject ? [...Object.keys(body), ...required] : ["body"];
}

interface Place {
  readonly parent: Record<string, unknown>;
  readonly path: readonly string[];
}

function objects(value: unknown, path: readonly string[] = []): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? [] : [{ parent: value as Record<string, unknown>, path }];
  const inside = Object.entries(value).flatMap(([key, item]) => objects(item, [...path, key]));
  return [...own, ...inside];
}
