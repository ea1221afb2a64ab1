import assert from "node:assert/strict";
import Ajv from "ajv";
import { type TaskApiDocumentArgs, taskApiDocument } from "../../components/taskApiDocument";
import { problemSchema } from "../../contracts/tasks/api";
import { openApiDocument } from "../../contracts/tasks/openapi";
import { describeOnMoto } from "../python/moto";

// biome-ignore lint/suspicious/noExplicitAny: tests look into the document by path
type Any = any;

const functionInvokeArn =
  "arn:aws:apigateway:us-west-2:lambda:path/2015-03-31/functions/arn:aws:lambda:us-west-2:123456789012:function:f/invocations";
const args: TaskApiDocumentArgs = {
  functionInvokeArn,
  signed: true,
  vpcEndpointIds: [],
  policy: undefined,
  securityPolicy: "SecurityPolicy_TLS13_1_2_2021_06",
  endpointAccessMode: "BASIC",
};
const methods = ["get", "post", "delete"] as const;

const documentOf = (more: Partial<TaskApiDocumentArgs> = {}): Any =>
  taskApiDocument({ ...args, ...more });

function operationsOf(document: Any): [string, Any][] {
  return Object.entries<Any>(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method): [string, Any][] =>
      item[method] === undefined ? [] : [[`${method} ${path}`, item[method]]],
    ),
  );
}

/** Every object in a value. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [value as Record<string, unknown>, ...inside];
}

describe("The API's document", () => {
  it("has every operation of the contract, answered by the function", () => {
    const operations = operationsOf(documentOf());
    assert.deepEqual(
      operations.map(([name]) => name),
      operationsOf(openApiDocument()).map(([name]) => name),
    );
    assert.ok(operations.length >= 6);
    for (const [name, operation] of operations)
      assert.deepEqual(
        operation["x-amazon-apigateway-integration"],
        {
          type: "aws_proxy",
          httpMethod: "POST",
          uri: functionInvokeArn,
          payloadFormatVersion: "1.0",
        },
        name,
      );
  });

  it("wants a key for each operation, and a signature too unless a key is enough", () => {
    for (const [signed, type] of [
      [true, "AWS_IAM"],
      [false, "NONE"],
    ] as const) {
      const document = documentOf({ signed });
      assert.deepEqual(document.components.securitySchemes.api_key, {
        type: "apiKey",
        name: "x-api-key",
        in: "header",
      });
      for (const [name, operation] of operationsOf(document)) {
        assert.deepEqual(operation.security, [{ api_key: [] }], name);
        assert.deepEqual(operation["x-amazon-apigateway-auth"], { type }, name);
      }
    }
  });

  it("has no word that API Gateway's models do not know", () => {
    const { schemas } = documentOf().components;
    const refused =
      /^(allOf|anyOf|oneOf|not|nullable|discriminator|example|readOnly|exclusiveM\w+|format|const)$/;
    for (const schema of objectsIn(schemas)) {
      for (const word of Object.keys(schema)) assert.doesNotMatch(word, refused);
      // As schemas of their own nobody reports of them.
      assert.ok([undefined, false].includes(schema.additionalProperties as undefined));
    }
    for (const name of Object.keys(schemas)) assert.match(name, /^[A-Za-z0-9]+$/);
    for (const path of Object.keys(documentOf().paths))
      assert.match(path, /^(\/([\w.,:-]+|\{\w+\}))+$/);
  });

  describe("at the edge", () => {
    /** What it refuses, and what its message can name. */
    const check = (model: string, body: unknown) => {
      const ajv = new Ajv({ strict: false, allErrors: true });
      const validate = ajv.compile(documentOf().components.schemas[model]);
      validate(body);
      return (validate.errors ?? []).map(({ keyword, instancePath, params }) => [
        keyword,
        instancePath === "" && keyword === "type"
          ? "body"
          : (params.missingProperty ?? params.additionalProperty),
      ]);
    };

    it("refuses what is no object", () => {
      for (const model of ["TaskRequest", "UploadRequest", "TaskRequestV1Alpha2"])
        for (const body of [null, 1, "text", []])
          assert.deepEqual(check(model, body), [["type", "body"]]);
    });

    it("refuses a body in which something is missing, at any depth", () => {
      assert.deepEqual(check("TaskRequest", { type: "pipeline", content: {} }), [
        ["required", "runtime"],
      ]);
      assert.deepEqual(check("TaskRequestV1Alpha2", {}), [["required", "task"]]);
      const task = { metadata: { id: "a", runtime: "b", prefix: "" }, content: {} };
      assert.deepEqual(check("TaskRequestV1Alpha2", { task }), [["required", "tasktype"]]);
    });

    it("refuses fields that /v1 does not know, and lets them by where the guidance's clients have more", () => {
      const request = { runtime: "a", type: "pipeline", content: { any: { depth: 1 } } };
      assert.deepEqual(check("TaskRequest", request), []);
      assert.deepEqual(check("TaskRequest", { ...request, more: 1 }), [
        ["additionalProperties", "more"],
      ]);
      const upload = { bytes: 1, contentType: "image/png" };
      assert.deepEqual(check("UploadRequest", { ...upload, name: "a.png" }), [
        ["additionalProperties", "name"],
      ]);
      const metadata = { id: "a", runtime: "b", tasktype: "pipeline", prefix: "", more: 1 };
      const task = { metadata, content: {}, more: 1 };
      assert.deepEqual(check("TaskRequestV1Alpha2", { task, more: 1 }), []);
    });

    it("leaves to the function what it could not name: types, values, patterns, lengths", () => {
      const wrong = { id: "", runtime: 5, type: "song", content: [], prefix: "x".repeat(300) };
      assert.deepEqual(check("TaskRequest", wrong), []);
      assert.deepEqual(check("UploadRequest", { bytes: "many", contentType: 1 }), []);
      assert.deepEqual(check("TaskRequestV1Alpha2", { task: [] }), []);
    });

    it("checks every operation with a body, and takes JSON only", () => {
      const document = documentOf();
      assert.equal(document["x-amazon-apigateway-request-validator"], "all");
      assert.deepEqual(document["x-amazon-apigateway-request-validators"].all, {
        validateRequestBody: true,
        validateRequestParameters: true,
      });
      for (const [name, operation] of operationsOf(document)) {
        if (!name.startsWith("post ")) continue;
        const { schema } = operation.requestBody.content["application/json"];
        const model = schema.$ref.split("/").pop();
        assert.equal(document.components.schemas[model].type, "object", name);
      }
    });
  });

  it("says in the contract's words why the gateway refuses, and names the field", () => {
    const responses = documentOf()["x-amazon-apigateway-gateway-responses"];
    for (const [kind, response] of Object.entries<Any>(responses)) {
      const text = response.responseTemplates["application/json"];
      const { error } = problemSchema.parse(JSON.parse(text));
      assert.ok(error.fields.length === 1 || kind === "DEFAULT_5XX", kind);
    }
    const body = responses.BAD_REQUEST_BODY;
    assert.equal(body.statusCode, 400);
    assert.match(
      body.responseTemplates["application/json"],
      /\$context\.error\.validationErrorString/,
    );
    assert.match(responses.REQUEST_TOO_LARGE.responseTemplates["application/json"], /uploads/);
    assert.match(responses.INVALID_API_KEY.responseTemplates["application/json"], /x-api-key/);
  });

  it("tells clients that are throttled when to come again", () => {
    const responses = documentOf()["x-amazon-apigateway-gateway-responses"];
    for (const kind of ["THROTTLED", "QUOTA_EXCEEDED"]) {
      assert.equal(responses[kind].statusCode, 429);
      assert.match(
        responses[kind].responseParameters["gatewayresponse.header.Retry-After"],
        /^'\d+'$/,
      );
    }
  });

  it("opens no answer to scripts of other sites", () => {
    assert.doesNotMatch(JSON.stringify(documentOf()), /Access-Control/i);
  });
});

describeOnMoto("API Gateway imports the API's document", (moto) => {
  /** moto reads the service from the signature, and checks no signature. */
  const headers = {
    Authorization:
      "AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/apigateway/aws4_request, SignedHeaders=host, Signature=0",
    "Content-Type": "application/json",
  };
  const ask = async (method: string, path: string, body?: unknown): Promise<Any> => {
    const answer = await fetch(`${moto().endpoint}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return JSON.parse(text);
  };

  it("with every path and method, its key, its signature and its integration", async () => {
    const { id } = await ask("POST", "/restapis", { name: "tasks" });
    await ask("PUT", `/restapis/${id}?mode=overwrite&failonwarnings=true`, documentOf());
    const { item } = await ask("GET", `/restapis/${id}/resources?embed=methods`);
    const imported = item.flatMap((resource: Any) =>
      Object.entries<Any>(resource.resourceMethods ?? {}).map(([method, it]) => [
        `${method.toLowerCase()} ${resource.path}`,
        it,
      ]),
    );
    assert.deepEqual(
      imported.map(([name]: [string]) => name).sort(),
      operationsOf(documentOf())
        .map(([name]) => name)
        .sort(),
    );
    for (const [name, it] of imported)
      assert.equal(it.methodIntegration.uri, functionInvokeArn, name);
  });
});
