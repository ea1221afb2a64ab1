import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { inputUrls, isInputUrl, shownUrl } from "../../../../apps/queue-agent/inputs/inputUrl";
import {
  type InputOptions,
  resolveInputs,
} from "../../../../apps/queue-agent/inputs/resolveInputs";
import type { JsonObject } from "../../../../apps/queue-agent/json";
import { mediaTypeOf, mediaTypeOfName } from "../../../../apps/queue-agent/mediaType";
import { uploadObject } from "../../../../contracts/tasks/message";
import { describeOnMoto } from "../../../python/moto";
import { always, failsAs } from "../adapters/asked";
import { drawnPng } from "../runtimes/drawnPng";
import { type HttpsServer, httpsServer } from "./httpsServer";

const cat = drawnPng({ subject: "a cat" });
const dog = drawnPng({ subject: "a dog" });
const HOST = "images.example.com";

describe("what counts as an input", () => {
  it("is a string that is wholly a URL, and nothing that only begins like one", () => {
    for (const text of [
      "https://a.test/1.png",
      "HTTP://a.test",
      "s3://b/k",
      "upload://id",
      "https://a.test/?q=1#f",
    ])
      assert.ok(isInputUrl(text), text);
    for (const text of [
      "",
      "http",
      "https://",
      "https, a portrait of a protocol",
      "https://a.test/1.png in the style of a poster",
      "see https://a.test/1.png",
      " https://a.test/1.png",
      "https://a.test/1.png\n",
      "data:image/png;base64,AAAA",
      "file:///etc/passwd",
      "s3:/b/k",
      "iVBORw0KGgo=",
      `https://a.test/${"a".repeat(9000)}`,
    ])
      assert.ok(!isInputUrl(text), text);
  });

  it("is found anywhere in the content, and called by its path", () => {
    const content = {
      init_images: ["upload://1", { deep: [["s3://b/2"]] }],
      "3": { inputs: { image: "https://a.test/3" } },
      "a b": "upload://4",
      prompt: "https://a.test/5 and more",
      none: [null, true, 7],
    };
    assert.deepEqual(
      inputUrls(content).map(({ field }) => field),
      [
        "content.3.inputs.image",
        "content.init_images[0]",
        "content.init_images[1].deep[0][0]",
        'content["a b"]',
      ],
    );
  });

  it("is shown without what may be secret", () => {
    assert.equal(shownUrl("https://a.test/1.png?X-Amz-Signature=abc#f"), "https://a.test/1.png?…");
    assert.equal(shownUrl("https://user:secret@a.test/1.png"), "https://…@a.test/1.png");
    assert.ok(shownUrl(`https://a.test/${"a".repeat(5000)}`).length < 400);
  });
});

describe("what bytes are", () => {
  const beginnings: readonly [string, string | undefined][] = [
    ["89504e470d0a1a0a0000000d49484452", "image/png"],
    ["ffd8ffe000104a464946000101000001", "image/jpeg"],
    ["474946383961010001008000000000ff", "image/gif"],
    ["52494646240000005745425056503820", "image/webp"],
    ["524946462400000057415645666d7420", undefined],
    ["424d46000000000000003600000028000000", "image/bmp"],
    ["424d20697320612063617220636f6d70", undefined],
    ["49492a00080000000000000000000000", "image/tiff"],
    ["0000001c667479706176696600000000", "image/avif"],
    ["0000001c667479706865696300000000", "image/heic"],
    ["00000020667479706d70343200000000", "video/mp4"],
    ["00000014667479707174202000000000", "video/quicktime"],
    ["1a45dfa39f4286810142f7810142f281", "video/webm"],
    ["7b226b6579223a2022736563726574227d", undefined],
    ["3c68746d6c3e3c626f64793e", undefined],
    ["3c73766720786d6c6e733d22", undefined],
    ["25504446", undefined],
    ["", undefined],
    ["89504e47", undefined],
  ];
  for (const [hex, contentType] of beginnings)
    it(`is ${contentType ?? "neither image nor video"} for ${hex || "nothing"}`, () => {
      assert.equal(mediaTypeOf(Buffer.from(hex, "hex"))?.contentType, contentType);
    });

  it("is told by a name, too", () => {
    assert.equal(mediaTypeOfName("a/B_0001_.PNG")?.contentType, "image/png");
    assert.equal(mediaTypeOfName("a.jpeg")?.contentType, "image/jpeg");
    assert.equal(mediaTypeOfName("a.mp4")?.contentType, "video/mp4");
    assert.equal(mediaTypeOfName("png"), undefined);
    assert.equal(mediaTypeOfName("a.txt"), undefined);
  });

  it("is never an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const type = mediaTypeOf(Buffer.from(bytes));
        assert.ok(type === undefined || /^(image|video)\//.test(type.contentType));
      }),
    );
  });
});

describeOnMoto("the inputs of a task", (moto) => {
  let s3: S3Client;
  let server: HttpsServer;
  let options: InputOptions;

  before(async () => {
    s3 = new S3Client({
      endpoint: moto().endpoint,
      region: "us-west-2",
      forcePathStyle: true,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1,
    });
    for (const Bucket of ["inputs", "shared", "secret"])
      await s3.send(
        new CreateBucketCommand({
          Bucket,
          CreateBucketConfiguration: { LocationConstraint: "us-west-2" },
        }),
      );
    server = await httpsServer([HOST], (request, response) => {
      if (request.url === "/cat.png") response.end(cat);
      else if (request.url === "/page") response.end("<html>Log in</html>");
      else response.writeHead(404).end();
    });
    options = {
      s3,
      inputsBucket: "inputs",
      buckets: ["shared"],
      hosts: [HOST],
      maxBytes: 10_000,
      https: {
        ca: server.ca,
        resolve: async () => ["93.184.215.14"],
        dial: () => ({ address: "127.0.0.1", port: server.port }),
        retryPausesMs: [],
      },
    };
  });
  after(() => server.stop());
  beforeEach(() => {
    (server.asked as string[]).length = 0;
  });

  async function put(bucket: string, key: string, body: Buffer): Promise<void> {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  const resolved = (content: JsonObject, more: Partial<InputOptions> = {}) =>
    resolveInputs(content, { ...options, ...more }, always);

  it("are uploads, objects and what is at URLs, in base64 in their places", async () => {
    const id = randomUUID();
    await put("inputs", uploadObject(id), cat);
    await put("shared", "a_folder/dog_ü%20.png", dog);
    const content = {
      init_images: [`upload://${id}`, `https://${HOST}/cat.png`],
      "3": { inputs: { image: "s3://shared/a_folder/dog_ü%20.png" } },
      prompt: "https is a protocol",
      n: 1,
    };
    assert.deepEqual(await resolved(content), {
      ...content,
      init_images: [cat.toString("base64"), cat.toString("base64")],
      "3": { inputs: { image: dog.toString("base64") } },
    });
    assert.equal(content.init_images[0], `upload://${id}`, "the content itself is changed");
  });

  it("are none: then the content is as it was", async () => {
    const content = { prompt: "a cat", init_images: [cat.toString("base64")] };
    assert.equal(await resolved(content), content);
  });

  it("are fetched once, however often they occur", async () => {
    const url = `https://${HOST}/cat.png`;
    const content = { init_images: [url, url], mask: url };
    const base64 = cat.toString("base64");
    assert.deepEqual(await resolved(content), { init_images: [base64, base64], mask: base64 });
    assert.equal(server.asked.length, 1);
  });

  for (const [title, content, message] of [
    [
      "an upload that is not there",
      { init_images: [cat.toString("base64"), `upload://${randomUUID()}`] },
      /^content\.init_images\[1\]: upload:\/\/.* is not there$/,
    ],
    [
      "an upload's id that is a path",
      { image: "upload://../content/a.json" },
      /^content\.image: .*no upload's id/,
    ],
    ["an upload's id with more behind", { image: `upload://${randomUUID()}/..` }, /no upload's id/],
    [
      "an object that is not there",
      { image: "s3://shared/none.png" },
      /^content\.image: .*is not there/,
    ],
    [
      "a bucket that is not allowed",
      { image: "s3://secret/a.png" },
      /bucket secret, which is not allowed; these are: inputs, shared/,
    ],
    ["a bucket without a key", { image: "s3://shared" }, /s3:\/\/bucket\/key is wanted/],
    [
      "a bucket without a key, but a slash",
      { image: "s3://shared/" },
      /s3:\/\/bucket\/key is wanted/,
    ],
    ["plain http", { image: `http://${HOST}/cat.png` }, /^content\.image: .*https only/],
    [
      "the metadata service",
      { deep: { list: ["http://169.254.169.254/latest/meta-data/"] } },
      /^content\.deep\.list\[0\]: .*https only/,
    ],
    [
      "a host that is not allowed",
      { image: "https://evil.example/?token=1" },
      /^content\.image: https:\/\/evil\.example\/\?… is on the host evil\.example, which is not allowed/,
    ],
    ["a page", { image: `https://${HOST}/page` }, /neither an image nor a video/],
    ["what is not there", { image: `https://${HOST}/none.png` }, /status 404/],
    ["what is no URL after all", { image: "https://[::1/" }, /no URL/],
  ] as const)
    it(`fail for good with the field's name for ${title}`, async () => {
      await failsAs("input", message, resolved(content as JsonObject));
    });

  it("fail for good when one of them is too large, or all together are", async () => {
    await put("shared", "large.png", drawnPng({ subject: "", bytes: 20_000 }));
    await failsAs(
      "input",
      /^content\.image: .*larger than the 10000 bytes/,
      resolved({ image: "s3://shared/large.png" }),
    );
    for (const name of ["1", "2", "3"])
      await put("shared", `${name}.png`, drawnPng({ subject: "", bytes: 7_000 }));
    const images = ["1", "2", "3"].map((name) => `s3://shared/${name}.png`);
    await failsAs(
      "input",
      /^content\.images\[1\]: .*together larger than 10000 bytes/,
      resolved({ images }),
    );
    await failsAs(
      "input",
      /^content\.mask: .*together larger than 10000 bytes/,
      resolved({ mask: "s3://shared/1.png", init_images: ["s3://shared/1.png"] }),
    );
    const many = Array.from({ length: 33 }, (_, index) => `s3://shared/${index}.png`);
    await failsAs("input", /33 inputs are more than 32/, resolved({ many }));
  });

  it("fail for good when an object is no image", async () => {
    await put("inputs", "content/another-task.json", Buffer.from('{"secret":1}'));
    const image = "s3://inputs/content/another-task.json";
    await failsAs("input", /neither an image nor a video/, resolved({ image }));
  });

  it("may be had later when S3 does not answer", async () => {
    const away = new S3Client({
      endpoint: "http://127.0.0.1:1",
      region: "us-west-2",
      forcePathStyle: true,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1,
    });
    await failsAs("aws", /S3/, resolved({ image: "s3://shared/1.png" }, { s3: away }));
    away.destroy();
  });

  it("stop with the abort's own reason", async () => {
    const reason = new Error("the claim is lost");
    for (const image of ["s3://shared/1.png", `https://${HOST}/cat.png`]) {
      const run = resolveInputs({ image }, options, AbortSignal.abort(reason));
      assert.equal(await run.catch((error: unknown) => error), reason);
    }
  });
});
