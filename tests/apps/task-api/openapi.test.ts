import assert from "node:assert/strict";
import { paths } from "../../../apps/task-api/routes";
import { openApiDocument, type SchemaObject } from "../../../contracts/tasks/openapi";

/** Source: API Gateway developer guide, "Amazon API Gateway important notes", REST APIs. */
const notImported = [
  "anyOf",
  "oneOf",
  "allOf",
  "not",
  "nullable",
  "discriminator",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "readOnly",
  "writeOnly",
  "example",
  "examples",
  "deprecated",
  "const",
  "default",
  "propertyNames",
  "patternProperties",
  "$schema",
  "$defs",
  "definitions",
];

describe("The OpenAPI document of the tasks' API", () => {
  const document = openApiDocument();

  it("has the paths that are served, and no others", () => {
    assert.deepEqual(Object.keys(document.paths).sort(), [...paths].sort());
  });

  it("has only what API Gateway imports", () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      assert.match(name, /^[A-Za-z0-9]+$/);
      for (const [path, part] of parts(schema, name)) {
        for (const keyword of notImported) assert.ok(!(keyword in part), `${path}.${keyword}`);
        assert.ok(!["int32", "int64", "decimal"].includes(part.format ?? ""), path);
        assert.doesNotMatch(part.description ?? "", /\*\//, path);
      }
    }
    for (const path of Object.keys(document.paths))
      assert.match(path, /^(\/[A-Za-z0-9.,-]+|\/\{[A-Za-z0-9]+\})+$/);
  });

  it("refers to what is there, and all of that is used", () => {
    const text = JSON.stringify(document.paths);
    const used = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(document.components.schemas).sort());
  });

  it("names each operation once, and the answers that it gives", () => {
    const operations = Object.values(document.paths).flatMap(({ get, post, delete: remove }) =>
      [get, post, remove].filter((operation) => operation !== undefined),
    );
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { responses, operationId } of operations) {
      const statuses = Object.keys(responses);
      assert.ok(
        statuses.some((status) => status.startsWith("2")),
        operationId,
      );
    }
  });

  it("is plain data, the same each time", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(document)), openApiDocument());
  });
});

function* parts(schema: SchemaObject, path: string): Generator<[string, SchemaObject]> {
  yield [path, schema];
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    yield* parts(property, `${path}.${name}`);
  if (schema.items !== undefined) yield* parts(schema.items, `${path}[]`);
}
