import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  fetchHttps,
  type HttpsFetcherOptions,
} from "../../../../apps/queue-agent/inputs/httpsFetcher";
import { isPublicAddress } from "../../../../apps/queue-agent/inputs/publicAddress";
import { InputUnavailable } from "../../../../apps/queue-agent/inputs/unavailable";
import { always, until } from "../adapters/asked";
import { drawnPng } from "../runtimes/drawnPng";
import { type HttpsServer, httpsServer } from "./httpsServer";

const png = drawnPng({ subject: "a cat" });
const PUBLIC = "93.184.215.14";
const OTHER = "93.184.215.15";
const HOST = "images.example.com";

/** Addresses that no input comes from, and why. */
const notPublic: readonly [string, string][] = [
  ["169.254.169.254", "the metadata service"],
  ["fd00:ec2::254", "the metadata service by IPv6"],
  ["169.254.170.2", "credentials of containers"],
  ["169.254.170.23", "credentials of pods"],
  ["fd00:ec2::23", "credentials of pods by IPv6"],
  ["169.254.169.123", "the time service"],
  ["fd00:ec2::253", "the VPC's resolver by IPv6"],
  ["127.0.0.1", "this machine"],
  ["127.255.255.254", "this machine, another of its addresses"],
  ["::1", "this machine by IPv6"],
  ["0.0.0.0", "any address"],
  ["::", "any address by IPv6"],
  ["10.0.0.1", "a private network"],
  ["10.255.255.255", "a private network's end"],
  ["172.16.0.1", "a private network"],
  ["172.31.255.255", "a private network's end"],
  ["172.20.0.1", "a cluster's services"],
  ["192.168.1.1", "a private network"],
  ["100.64.0.1", "a carrier's network, and pods'"],
  ["198.19.255.1", "networks of tests"],
  ["192.0.0.192", "protocol assignments"],
  ["192.0.2.1", "documentation"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["224.0.0.1", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["fe80::1", "this link"],
  ["fe80::1%eth0", "this link, with its zone"],
  ["fc00::1", "a local network"],
  ["fec0::1", "a site"],
  ["ff02::1", "multicast by IPv6"],
  ["2001:db8::1", "documentation by IPv6"],
  ["100::1", "discarded"],
  ["::ffff:169.254.169.254", "the metadata service as IPv4 in IPv6"],
  ["::ffff:a9fe:a9fe", "the same in hexadecimal"],
  ["::ffff:10.0.0.1", "a private network as IPv4 in IPv6"],
  ["::ffff:127.0.0.1", "this machine as IPv4 in IPv6"],
  ["64:ff9b::169.254.169.254", "the metadata service through a translator"],
  ["64:ff9b::a00:1", "a private network through a translator"],
  ["2002:a9fe:a9fe::1", "the metadata service through a tunnel"],
  ["2001:0:a9fe:a9fe::1", "a tunnel"],
  ["::169.254.169.254", "the metadata service as an address that is out of use"],
  ["::7f00:1", "this machine as an address that is out of use"],
  ["", "nothing"],
  ["localhost", "a name"],
];

/** URLs that are not even looked up, and what is said of them. */
const notAllowed: readonly [string, RegExp][] = [
  ["http://images.example.com/a.png", /https only/],
  ["HTTP://images.example.com/a.png", /https only/],
  ["ftp://images.example.com/a.png", /https only/],
  ["file:///etc/passwd", /https only/],
  ["https://images.example.com:8443/a.png", /port 8443/],
  ["https://images.example.com:22/", /port 22/],
  ["https://user@images.example.com/a.png", /user or a password/],
  ["https://user:secret@images.example.com/a.png", /user or a password/],
  ["https://images.example.com@evil.example/a.png", /user or a password/],
  ["https://evil.example/a.png", /evil\.example, which is not allowed/],
  ["https://evil.example/?https://images.example.com", /not allowed/],
  ["https://images.example.com.evil.example/a.png", /not allowed/],
  ["https://notimages.example.com/a.png", /not allowed/],
  ["https://example.com/a.png", /not allowed/],
  ["https://images.example.com./a.png", /not allowed/],
  ["https://cdn.test/a.png", /cdn\.test, which is not allowed/],
  ["https://evilcdn.test/a.png", /not allowed/],
  ["https://evil.example\\@images.example.com/a.png", /not allowed/],
  ["https://169.254.169.254/latest/meta-data/", /address instead of a host/],
  ["https://[fd00:ec2::254]/latest/meta-data/", /address instead of a host/],
  ["https://[::ffff:169.254.169.254]/", /address instead of a host/],
  ["https://2852039166/latest/meta-data/", /address instead of a host/],
  ["https://0xa9fea9fe/", /address instead of a host/],
  ["https://0251.0376.0251.0376/", /address instead of a host/],
  ["https://127.1/", /address instead of a host/],
  ["https://93.184.215.14/", /address instead of a host/],
  ["https://localhost/", /not allowed/],
];

describe("inputs by https", () => {
  let server: HttpsServer;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const resolved: string[] = [];
  const dialled: string[] = [];
  let addresses: Record<string, readonly string[]>;

  before(async () => {
    server = await httpsServer([HOST, "a.cdn.test", "b.c.cdn.test"], (request, response) =>
      answer(request, response),
    );
  });
  after(() => server.stop());
  beforeEach(() => {
    resolved.length = 0;
    dialled.length = 0;
    (server.asked as string[]).length = 0;
    addresses = {};
    answer = (_request, response) => void response.end(png);
  });

  function fetched(
    url: string,
    options: Partial<HttpsFetcherOptions> = {},
    signal: AbortSignal = always,
  ): Promise<Buffer> {
    return fetchHttps(
      url,
      {
        hosts: [HOST, "*.cdn.test"],
        maxBytes: 100_000,
        ca: server.ca,
        resolve: async (name) => {
          resolved.push(name);
          return addresses[name] ?? [PUBLIC];
        },
        dial: (address) => {
          dialled.push(address);
          return { address: "127.0.0.1", port: server.port };
        },
        retryPausesMs: [1, 1],
        ...options,
      },
      signal,
    );
  }

  async function unavailable(message: RegExp, run: Promise<unknown>): Promise<void> {
    await assert.rejects(run, (error) => {
      assert.ok(error instanceof InputUnavailable, String(error));
      assert.match(error.message, message);
      return true;
    });
  }

  const redirect =
    (...locations: readonly string[]) =>
    (_request: IncomingMessage, response: ServerResponse) => {
      const location = locations[server.asked.length - 1];
      if (location === undefined) response.end(png);
      else response.writeHead(302, { Location: location }).end("moved");
    };

  it("come from a configured host, path and query as they are", async () => {
    assert.deepEqual(await fetched(`https://${HOST}/a%20b.png?X-Amz-Signature=1&b=c#d`), png);
    assert.deepEqual(server.asked, [`${HOST} /a%20b.png?X-Amz-Signature=1&b=c`]);
  });

  it("come from hosts below a wildcard, at any depth", async () => {
    assert.deepEqual(await fetched("https://a.cdn.test/1.png"), png);
    assert.deepEqual(await fetched("https://b.c.cdn.test:443/1.png"), png);
  });

  for (const [url, message] of notAllowed)
    it(`never come from ${url}, which is not even looked up`, async () => {
      await unavailable(message, fetched(url));
      assert.deepEqual([resolved, dialled], [[], []]);
    });

  it("come from nowhere when no host is configured", async () => {
    await unavailable(/none is/, fetched(`https://${HOST}/a.png`, { hosts: [] }));
  });

  for (const [address, what] of notPublic)
    it(`never come from ${address || "''"}: ${what}`, async () => {
      assert.equal(isPublicAddress(address), false);
      addresses[HOST] = [address];
      await unavailable(/not public/, fetched(`https://${HOST}/a.png`));
      addresses[HOST] = [PUBLIC, address];
      await unavailable(/not public/, fetched(`https://${HOST}/a.png`));
      assert.deepEqual(dialled, []);
    });

  it("come from public addresses", () => {
    for (const address of [
      PUBLIC,
      "8.8.8.8",
      "52.94.236.248",
      "2600:1f18::1",
      "2a00:1450:4001:800::200e",
      "::ffff:8.8.8.8",
    ])
      assert.equal(isPublicAddress(address), true, address);
  });

  it("come from the addresses that were checked, though the name has others a moment later", async () => {
    let times = 0;
    const resolve = async () => (times++ === 0 ? [PUBLIC] : ["169.254.169.254"]);
    assert.deepEqual(await fetched(`https://${HOST}/a.png`, { resolve }), png);
    assert.equal(times, 1);
    assert.deepEqual(new Set(dialled), new Set([PUBLIC]));
  });

  it("are checked anew when they are tried again", async () => {
    let times = 0;
    const resolve = async () => (times++ === 0 ? [PUBLIC] : ["10.0.0.1"]);
    answer = (_request, response) => void response.writeHead(503).end();
    await unavailable(/not public/, fetched(`https://${HOST}/a.png`, { resolve }));
    assert.equal(server.asked.length, 1);
  });

  it("come from where they are moved to, as long as that is allowed", async () => {
    addresses["a.cdn.test"] = [OTHER];
    answer = redirect("https://a.cdn.test/2.png", "/3.png", "4.png");
    assert.deepEqual(await fetched(`https://${HOST}/1.png`), png);
    assert.deepEqual(server.asked, [
      `${HOST} /1.png`,
      "a.cdn.test /2.png",
      "a.cdn.test /3.png",
      "a.cdn.test /4.png",
    ]);
    assert.deepEqual(resolved, [HOST, "a.cdn.test", "a.cdn.test", "a.cdn.test"]);
  });

  it("are not followed further than three times", async () => {
    answer = redirect("/2", "/3", "/4", "/5");
    await unavailable(/more than 3 times/, fetched(`https://${HOST}/1`));
    assert.equal(server.asked.length, 4);
  });

  for (const [location, message] of [
    ["http://169.254.169.254/latest/meta-data/iam/", /redirected to what is not https/],
    ["https://169.254.169.254/", /redirected to what has an address/],
    [`http://${HOST}/2.png`, /redirected to what is not https/],
    ["https://evil.example/2.png", /redirected to what is on the host evil\.example/],
    [`https://${HOST}:8443/`, /redirected to what is on port 8443/],
    ["file:///etc/passwd", /redirected to what is not https/],
    ["https://", /redirected to what is no URL/],
    ["https://private.cdn.test/", /private\.cdn\.test, which has an address that is not public/],
  ] as const)
    it(`are not followed to ${location}`, async () => {
      addresses["private.cdn.test"] = ["10.0.0.1"];
      answer = redirect(location);
      await unavailable(message, fetched(`https://${HOST}/1.png`));
      assert.equal(server.asked.length, 1);
    });

  it("are not read further than the limit, whether they say how large they are or not", async () => {
    let sent = 0;
    answer = (_request, response) => {
      const chunk = Buffer.alloc(10_000);
      const timer = setInterval(() => {
        sent += chunk.length;
        response.write(chunk);
      }, 1);
      response.on("close", () => clearInterval(timer));
    };
    await unavailable(/larger than the 100000 bytes/, fetched(`https://${HOST}/a.png`));
    const after = sent;
    await new Promise((later) => setTimeout(later, 50));
    assert.ok(sent <= after + 50_000, "it goes on reading");
    answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": "100001" });
      response.flushHeaders();
    };
    await unavailable(/larger than/, fetched(`https://${HOST}/a.png`));
    answer = (_request, response) => void response.end(Buffer.alloc(100_000));
    assert.equal((await fetched(`https://${HOST}/a.png`)).length, 100_000);
  });

  for (const status of [400, 401, 403, 404, 410, 204, 206, 304])
    it(`are not there when the answer is ${status}, and are not asked for again`, async () => {
      answer = (_request, response) => void response.writeHead(status).end();
      await unavailable(new RegExp(`status ${status}`), fetched(`https://${HOST}/a.png`));
      assert.equal(server.asked.length, 1);
    });

  for (const status of [500, 502, 503, 429])
    it(`are asked for again when the answer is ${status}`, async () => {
      answer = (_request, response) => {
        if (server.asked.length < 3) response.writeHead(status).end();
        else response.end(png);
      };
      assert.deepEqual(await fetched(`https://${HOST}/a.png`), png);
      answer = (_request, response) => void response.writeHead(status).end();
      await unavailable(new RegExp(`status ${status}`), fetched(`https://${HOST}/a.png`));
    });

  it("are asked for again when the connection breaks", async () => {
    answer = (_request, response) => {
      if (server.asked.length === 1) response.destroy();
      else response.end(png);
    };
    assert.deepEqual(await fetched(`https://${HOST}/a.png`), png);
  });

  it("are not waited for longer than allowed", async () => {
    answer = () => {};
    await unavailable(/within 0.1 s/, fetched(`https://${HOST}/a.png`, { timeoutMs: 100 }));
    answer = (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("."), 10);
      response.on("close", () => clearInterval(timer));
    };
    await unavailable(/within 0.3 s/, fetched(`https://${HOST}/a.png`, { timeoutMs: 300 }));
  });

  it("come from a host that proves who it is", async () => {
    const stranger = await httpsServer(
      ["evil.example"],
      (_request, response) => void response.end(png),
    );
    const dial = () => ({ address: "127.0.0.1", port: stranger.port });
    await unavailable(/cannot be fetched/, fetched(`https://${HOST}/a.png`, { dial }));
    await unavailable(
      /cannot be fetched/,
      fetched(`https://${HOST}/a.png`, { dial, ca: stranger.ca }),
    );
    assert.deepEqual(stranger.asked, []);
    await stranger.stop();
  });

  it("are not there when the name has no address", async () => {
    await unavailable(/has no address/, fetched(`https://${HOST}/`, { resolve: async () => [] }));
    const resolve = () => Promise.reject(new Error("ENOTFOUND"));
    await unavailable(/has no address/, fetched(`https://${HOST}/`, { resolve }));
  });

  it("stop when the task stops, with its reason", async () => {
    answer = () => {};
    const controller = new AbortController();
    const run = fetched(`https://${HOST}/a.png`, {}, controller.signal);
    run.catch(() => {});
    await until(() => server.asked.length === 1);
    const reason = new Error("the claim is lost");
    controller.abort(reason);
    assert.equal(await run.catch((error: unknown) => error), reason);
  });
});
