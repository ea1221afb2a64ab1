import assert from "node:assert/strict";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { Counter, Registry } from "prom-client";
import {
  type Endpoints,
  type EndpointsOptions,
  serveEndpoints,
} from "../../../apps/service/endpoints";
import { createLog } from "../../../apps/service/log";

describe("The endpoints of an app", () => {
  let endpoints: Endpoints;
  let agent: Agent;
  let metrics: Registry;

  async function serve(more: Partial<EndpointsOptions> = {}) {
    metrics = new Registry();
    agent = new Agent({ keepAlive: true });
    endpoints = await serveEndpoints({
      port: 0,
      host: "127.0.0.1",
      metrics,
      readiness: () => [],
      log: createLog("silent"),
      ...more,
    });
  }

  afterEach(async () => {
    agent.destroy();
    await endpoints.close();
  });

  async function ask(path: string, method = "GET") {
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      request({ host: "127.0.0.1", port: endpoints.port, path, method, agent }, resolve)
        .on("error", reject)
        .end(),
    );
    const { statusCode: status, headers } = response;
    return { status, headers, body: await text(response) };
  }

  it("say that it works, and why it does not", async () => {
    let reasons: string[] = [];
    await serve({ liveness: () => reasons });
    const well = await ask("/health");
    assert.deepEqual([well.status, JSON.parse(well.body)], [200, { status: "ok" }]);
    reasons = ["the loop is stuck"];
    const ill = await ask("/health");
    assert.deepEqual([ill.status, JSON.parse(ill.body)], [503, { status: "no", reasons }]);
  });

  it("say that it works when nobody says otherwise, ready or not", async () => {
    await serve({ readiness: () => ["not in step"] });
    assert.equal((await ask("/health")).status, 200);
  });

  it("say whether it is ready, and why it is not", async () => {
    let reasons = ["the pods are not in step", "no leader"];
    await serve({ readiness: () => reasons });
    const before = await ask("/readiness?verbose");
    assert.deepEqual([before.status, JSON.parse(before.body)], [503, { status: "no", reasons }]);
    assert.equal(before.headers["content-type"], "application/json");
    reasons = [];
    assert.equal((await ask("/readiness")).status, 200);
  });

  it("show metrics as Prometheus reads them", async () => {
    await serve();
    new Counter({ name: "switches_total", help: "Switches.", registers: [metrics] }).inc(3);
    const { status, headers, body } = await ask("/metrics");
    assert.equal(status, 200);
    assert.match(headers["content-type"] as string, /^text\/plain; version=0\.0\.4/);
    assert.match(body, /^# HELP switches_total Switches\.\n# TYPE .*counter\nswitches_total 3\n/);
  });

  it("answer GET and HEAD only, and nothing else's address", async () => {
    await serve();
    const head = await ask("/health", "HEAD");
    assert.deepEqual([head.status, head.body], [200, ""]);
    const post = await ask("/health", "POST");
    assert.deepEqual([post.status, post.headers.allow], [405, "GET, HEAD"]);
    for (const path of ["/", "/healthz", "/health/", "//health"])
      assert.equal((await ask(path)).status, 404, path);
  });

  it("answer 500, and go on, when a check throws", async () => {
    await serve({
      readiness: () => {
        throw new Error("a bug");
      },
    });
    const { status, body } = await ask("/readiness");
    assert.equal(status, 500);
    assert.doesNotMatch(body, /a bug/);
    assert.equal((await ask("/health")).status, 200);
  });

  it("finish what was asked when they close, and do not wait for idle connections", async () => {
    let finish: (text: string) => void = () => {};
    const slow = new Registry();
    slow.metrics = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    await serve({ metrics: slow });
    await ask("/health");
    const asked = ask("/metrics");
    await new Promise((next) => setTimeout(next, 50));
    const started = performance.now();
    const closing = endpoints.close();
    await assert.rejects(ask("/health"), /ECONNREFUSED/);
    finish("a 1\n");
    assert.equal((await asked).body, "a 1\n");
    await closing;
    assert.ok(performance.now() - started < 1000);
  });

  it("say it when they cannot listen", async () => {
    await serve();
    const { port } = endpoints;
    await assert.rejects(
      serveEndpoints({
        port,
        host: "127.0.0.1",
        metrics,
        readiness: () => [],
        log: createLog("silent"),
      }),
      /EADDRINUSE/,
    );
  });
});
