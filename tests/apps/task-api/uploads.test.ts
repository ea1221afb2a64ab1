import assert from "node:assert/strict";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { type ProblemBody, type Upload, uploadSchema } from "../../../contracts/tasks/api";
import { uploadObject } from "../../../contracts/tasks/message";
import { describeOnMoto } from "../../python/moto";
import { type ApiProcess, createWorld, send, startApi, type World } from "./apiOnMoto";

describeOnMoto("Uploads", (moto) => {
  let world: World;
  let api: ApiProcess;
  before("start the API", async () => {
    world = await createWorld(moto());
    api = await startApi(world.environment);
  });
  after("stop it", () => api?.stop());

  const ask = <T = Upload>(body: unknown) => send<T>("POST", `${api.url}/v1/uploads`, body);

  it("stores what the link was asked for, and a task may name it", async () => {
    const bytes = 300_000;
    const { status, body } = await ask({ bytes, contentType: "image/png" });
    assert.equal(status, 201);
    uploadSchema.parse(body);
    assert.equal(body.reference, `upload://${body.id}`);
    const secondsLeft = (Date.parse(body.expiresAt) - Date.now()) / 1000;
    assert.ok(secondsLeft > 500 && secondsLeft <= 600, `${secondsLeft}`);

    const { url, method, headers } = body;
    // fetch counts the bytes itself, and may send a length that is given beside its own.
    const { "Content-Length": _, ...sent } = headers;
    const put = await fetch(url, { method, headers: sent, body: Buffer.alloc(bytes, 1) });
    assert.equal(put.status, 200, await put.text());
    const stored = await world.s3.send(
      new HeadObjectCommand({
        Bucket: world.environment.INPUTS_BUCKET,
        Key: uploadObject(body.id),
      }),
    );
    assert.deepEqual([stored.ContentLength, stored.ContentType], [bytes, "image/png"]);

    const submitted = await send("POST", `${api.url}/v1/tasks`, {
      runtime: "sdruntime",
      type: "image-to-image",
      content: { init_images: [body.reference] },
    });
    assert.equal(submitted.status, 202);
    const [message] = await world.receive("sdruntime");
    assert.deepEqual(message?.body.content, { init_images: [body.reference] });
  });

  // S3 refuses another size or type because both are signed; moto does not check signatures.
  it("signs the size and the type, and nothing that the client does not send", async () => {
    const { body } = await ask({ bytes: 12, contentType: "image/webp" });
    const query = new URL(body.url).searchParams;
    assert.equal(query.get("X-Amz-SignedHeaders"), "content-length;content-type;host");
    assert.equal(query.get("X-Amz-Expires"), "600");
    assert.deepEqual(
      [...query.keys()].filter((name) => /checksum/i.test(name)),
      [],
    );
    assert.deepEqual(body.headers, { "Content-Type": "image/webp", "Content-Length": "12" });
  });

  it("makes another id each time", async () => {
    const request = { bytes: 1, contentType: "image/png" };
    const ids = (await Promise.all([ask(request), ask(request)])).map(({ body }) => body.id);
    assert.notEqual(ids[0], ids[1]);
  });

  const limit = 1_000_000;
  const refused: readonly (readonly [string, unknown, number, string])[] = [
    ["more bytes than are allowed", { bytes: limit + 1, contentType: "image/png" }, 413, "bytes"],
    ["more bytes than S3 takes", { bytes: 6e9, contentType: "image/png" }, 400, "bytes"],
    ["no bytes", { bytes: 0, contentType: "image/png" }, 400, "bytes"],
    ["half a byte", { bytes: 0.5, contentType: "image/png" }, 400, "bytes"],
    ["bytes as text", { bytes: "1", contentType: "image/png" }, 400, "bytes"],
    ["bytes left out", { contentType: "image/png" }, 400, "bytes"],
    ["a page", { bytes: 1, contentType: "text/html" }, 400, "contentType"],
    ["a drawing with scripts", { bytes: 1, contentType: "image/svg+xml" }, 400, "contentType"],
    ["a misspelt field", { bytes: 1, contentType: "image/png", content: 1 }, 400, "content"],
  ];
  for (const [what, body, status, field] of refused)
    it(`refuses ${what}, and names the field`, async () => {
      const answer = await ask<ProblemBody>(body);
      assert.equal(answer.status, status);
      assert.deepEqual(
        answer.body.error.fields.map((one) => one.field),
        [field],
      );
    });

  it("takes as many bytes as are allowed", async () => {
    assert.equal((await ask({ bytes: limit, contentType: "image/jpeg" })).status, 201);
  });
});
