import assert from "node:assert/strict";
import Ajv from "ajv";
import fc from "fast-check";
import type { z } from "zod";
import { problemSchema, uploadRequestSchema } from "../../../contracts/tasks/api";
import { openApiDocument, type SchemaObject } from "../../../contracts/tasks/openapi";
import { taskRequestSchema, taskRequestV1Alpha2Schema } from "../../../contracts/tasks/task";
import { describeOnMoto } from "../../python/moto";
import { type ApiProcess, createWorld, runtimes, send, startApi } from "./apiOnMoto";

const { schemas } = openApiDocument().components;
const ajv = new Ajv({ strict: false });

/** The bodies that the API takes: what the document says of them, and what validates them. */
const requests: Readonly<Record<string, { readonly schema: z.ZodType; readonly path: string }>> = {
  TaskRequest: { schema: taskRequestSchema, path: "/v1/tasks" },
  UploadRequest: { schema: uploadRequestSchema, path: "/v1/uploads" },
  TaskRequestV1Alpha2: { schema: taskRequestV1Alpha2Schema, path: "/v1alpha2" },
};

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
        fc.property(mutated(valid(model)), (body) => {
          assert.equal(fits(body), schema.safeParse(body).success, JSON.stringify(body));
        }),
        { numRuns: 2000 },
      );
    });
  });

describeOnMoto("Any request to the tasks' API", (moto) => {
  let api: ApiProcess;
  before("start the API", async () => {
    const { environment } = await createWorld(moto());
    api = await startApi(environment);
  });
  after("stop it", () => api?.stop());

  for (const [name, { schema, path }] of Object.entries(requests)) {
    const model = schemas[name] as SchemaObject;

    it(`is done by ${path}, or refused with a reason that names a field, when it fits`, async () => {
      await fc.assert(
        fc.asyncProperty(valid(model), async (body) => {
          const { status, text } = await send("POST", api.url + path, body);
          // A known runtime may not take the type, and an id may be another task's.
          assert.ok([200, 201, 202, 400, 404, 409, 413].includes(status), `${status} ${text}`);
          if (status >= 400) assert.match(text, /runtime|type|id|bytes/);
        }),
        { numRuns: 60 },
      );
    });

    it(`is refused by ${path} with the fields that are wrong, when it does not fit`, async () => {
      await fc.assert(
        fc.asyncProperty(mutated(valid(model)), async (body) => {
          fc.pre(!schema.safeParse(body).success);
          const { status, text, body: answer } = await send("POST", api.url + path, body ?? "null");
          assert.equal(status, 400, text);
          if (path === "/v1alpha2") assert.match(text, /\n(task|body)\S*( is .*)?: ./);
          else {
            const { error } = problemSchema.parse(answer);
            assert.ok(error.fields.length > 0);
          }
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
  .filter((value) => !/"(__proto__)?":|e[+-]?\d\d/.test(JSON.stringify(value)));

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

/** Values of which one part, wherever it lies, is left out, replaced, renamed or added. */
function mutated(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
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
    .tuple(values, fc.nat(), odd, fc.constantFrom("drop", "replace", "rename", "add", "whole"))
    .map(([value, at, part, how]) => {
      if (how === "whole") return part;
      const copy = structuredClone(value);
      const places = objects(copy).flatMap((parent) =>
        Object.keys(parent).map((key) => ({ parent, key })),
      );
      const place = places[at % Math.max(1, places.length)];
      if (place === undefined) return part;
      const { parent, key } = place;
      if (how === "replace") parent[key] = part;
      else if (how === "add") parent[`${key}x`] = part;
      else {
        if (how === "rename") parent[`${key}x`] = parent[key];
        delete parent[key];
      }
      return copy;
    });
}

function objects(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? [] : [value as Record<string, unknown>];
  return [...own, ...Object.values(value).flatMap(objects)];
}
