import assert from "node:assert/strict";
import fc from "fast-check";
import { wrongInput, wrongInputs } from "../../../apps/task-api/contentInputs";

const allowed = {
  hosts: ["images.example.com", "*.cdn.example.org", "xn--bcher-kva.example"],
  buckets: ["our-images"],
};

describe("Inputs in a task's content", () => {
  for (const text of [
    "https://images.example.com/cat.png",
    "https://IMAGES.example.com/cat.png?size=1#x",
    "https://a.cdn.example.org/",
    "https://a.b.cdn.example.org/x%20y",
    "https://bücher.example/x",
    "s3://our-images/a/b.png",
    "upload://0b4e7a0e-6d3c-4f0c-9f39-1f4a9dc7f001",
    "a cat, https://127.0.0.1/ on its shirt",
    "https is a protocol",
    "http: the definitive guide",
    "upload",
    "",
    "masterpiece, (best quality:1.2)",
    "data:image/png;base64,iVBORw0KGgo=",
    "iVBORw0KGgo=".repeat(10_000),
  ])
    it(`may say ${JSON.stringify(text.slice(0, 60))}`, () =>
      assert.equal(wrongInput(text, allowed), undefined));

  const hosts = [
    "127.0.0.1",
    "localhost",
    "169.254.169.254",
    "[::1]",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "127.1",
    "0177.0.0.1",
    "0",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "8.8.8.8",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "images.example.com.",
    "images.example.com:8443",
    "images.example.com:80",
    "user@images.example.com",
    "user:password@images.example.com",
    "images.example.com@127.0.0.1",
    "images.example.com%2F@evil.example",
    "images.example.com.evil.example",
    "evilimages.example.com",
    "cdn.example.org",
    "evil-cdn.example.org",
    ".cdn.example.org",
    "xn--images.example.com",
    "ımages.example.com",
    "images.example.com\\@127.0.0.1",
    "127.0.0.1#@images.example.com",
    "127.0.0.1?@images.example.com",
    "metadata.google.internal",
    "instance-data",
  ];
  for (const host of hosts)
    it(`may not be fetched from ${host}`, () => {
      for (const url of [`https://${host}/x`, `HTTPS://${host}`, ` https://${host}/`])
        assert.notEqual(wrongInput(url, allowed), undefined, url);
    });

  for (const text of [
    "http://images.example.com/cat.png",
    "HTTP://127.0.0.1/",
    "https://images.example.com/a b",
    "https://images.example.com/a\\b",
    "\thttp://127.0.0.1/",
    `${" ".repeat(1000)}https://127.0.0.1/`,
    "\u0000http://127.0.0.1/",
    "http:\\\\127.0.0.1\\x",
    "http:/127.0.0.1",
    "https:/images.example.com/x",
    "https:///images.example.com/x",
    "https://",
    "https://[::1",
    "https://a b/",
    "file:///etc/passwd",
    "ftp://images.example.com/x",
    "gopher://127.0.0.1:6379/_",
    "s3://others/a.png",
    "s3://our-images",
    "s3://our-images/",
    "s3:///a.png",
    "S3://our-images.evil/a",
    "s3://our-images\\..\\others/a",
    "s3://our-images?x/a",
    "upload://1",
    "upload://",
    "upload://../content/other.json",
    "upload://0b4e7a0e-6d3c-4f0c-9f39-1f4a9dc7f001/../x",
    "UPLOAD://0b4e7a0e-6d3c-4f0c-9f39-1f4a9dc7f001",
  ])
    it(`may not say ${JSON.stringify(text)}`, () =>
      assert.notEqual(wrongInput(text, allowed), undefined));

  it("may come from nowhere when nothing is allowed", () => {
    const none = { hosts: [], buckets: [] };
    for (const url of ["https://images.example.com/x", "s3://our-images/a.png"])
      assert.match(wrongInput(url, none) ?? "", /there are none/);
  });

  it("are found wherever they are, each with its path", () => {
    const url = "https://127.0.0.1/";
    const content = {
      init_images: ["A", url],
      alwayson_scripts: { "control net": { args: [{ image: url }] } },
      "6": { inputs: { text: url } },
    };
    assert.deepEqual(
      wrongInputs(content, allowed)
        .map(({ field }) => field)
        .sort(),
      [
        "content.6.inputs.text",
        'content.alwayson_scripts["control net"].args[0].image',
        "content.init_images[1]",
      ],
    );
  });

  it("are never of a host beyond the list, however a URL is written", () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ["https", "http"], withFragments: true }), (url) => {
        const { hostname, protocol } = new URL(url);
        const isAllowed =
          protocol === "https:" &&
          (hostname === "images.example.com" || hostname.endsWith(".cdn.example.org"));
        assert.equal(wrongInput(url, allowed) === undefined, isAllowed, url);
      }),
      { numRuns: 500 },
    );
  });

  it("are decided on for any text without failing", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("https://", "http:", "s3://", "upload://", "", " "),
        fc.string({ unit: "binary" }),
        (scheme, rest) => {
          const why = wrongInput(scheme + rest, allowed);
          assert.ok(why === undefined || why !== "");
        },
      ),
      { numRuns: 2000 },
    );
  });
});
