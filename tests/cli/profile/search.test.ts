import assert from "node:assert/strict";
import { ImageClient } from "../../../cli/profile/imageRequest";
import { RequestBudget } from "../../../cli/profile/requestBudget";
import { search } from "../../../cli/profile/search";
import { type ProfileOptions, settingsOf } from "../../../cli/profile/settings";
import { utilisationIn } from "../../../cli/profile/utilisation";
import { breakingPointOf } from "../../../fleet/breakingPoint";
import { defaults } from "./defaults";
import { type SlottedServerOptions, slottedServer } from "./slottedServer";

/** What a search finds on a server of its own. */
async function searchOn(server: SlottedServerOptions, options: Partial<ProfileOptions>) {
  const started = await slottedServer(server);
  const settings = settingsOf({ ...defaults, url: started.url, ...options });
  const client = new ImageClient({ ...settings, timeoutSeconds: 5 });
  const budget = new RequestBudget(settings.maxRequests);
  try {
    const { steps, end } = await search(client, settings, budget, new AbortController().signal, {
      under: () => undefined,
      stepped: () => undefined,
    });
    const point = breakingPointOf(steps, settings, end);
    return { steps, point, started, capacity: started.capacityPerSecond };
  } finally {
    await client.close();
    await started.close();
  }
}

describe("the search for a breaking point", () => {
  for (const { slots, serviceMs } of [
    { slots: 1, serviceMs: 50 },
    { slots: 4, serviceMs: 150 },
  ])
    it(`finds that of a server that makes ${slots} at once in ${serviceMs} ms`, async () => {
      const { point, capacity } = await searchOn(
        { slots, serviceMs },
        { startRate: "6", growth: "1.6", stepSeconds: "1", objective: `${serviceMs + 150}ms` },
      );
      assert.ok(point !== undefined);
      const ratio = point.imagesPerMinute / 60 / capacity;
      assert.ok(ratio > 0.6 && ratio < 1.1, `${ratio} of the capacity`);
      assert.ok(["latency", "throughput"].includes(point.limitedBy), point.limitedBy);
      assert.ok(point.latencySeconds >= serviceMs / 1000 - 0.002);
    });

  it("is limited by the utilisation that the server says", async () => {
    const { point, steps, capacity } = await searchOn(
      { slots: 2, serviceMs: 50, utilisation: true },
      {
        startRate: "8",
        growth: "1.5",
        stepSeconds: "1.5",
        objective: "2s",
        maxUtilisation: "50%",
      },
    );
    assert.equal(point?.limitedBy, "utilisation");
    assert.ok(point.utilisation! > 0.1 && point.utilisation! <= 0.5);
    const ratio = point.requestsPerSecond / capacity;
    assert.ok(ratio > 0.2 && ratio < 0.75, `${ratio} of the capacity`);
    assert.ok(steps.every(({ utilisation }) => utilisation !== undefined));
  });

  it("is limited by errors, also where they are quick", async () => {
    const { point } = await searchOn(
      { slots: 1, serviceMs: 100, queue: 0 },
      { startRate: "5", growth: "2", stepSeconds: "1", objective: "5s" },
    );
    assert.equal(point?.limitedBy, "errors");
    assert.ok(point.requestsPerSecond < 10.5);
  });

  it("goes down by halves from a start that is too much", async () => {
    const { point, steps, capacity } = await searchOn(
      { slots: 1, serviceMs: 100 },
      { startRate: "32", growth: "2", stepSeconds: "1", objective: "200ms" },
    );
    assert.deepEqual(
      steps.map(({ phase }) => phase),
      ["ramp", "confirm", "halve", "halve", "refine", "refine"],
    );
    const ratio = point!.imagesPerMinute / 60 / capacity;
    assert.ok(ratio > 0.6 && ratio < 1.1, `${ratio} of the capacity`);
  });

  it("never sends more than it may, and says that it ended there", async () => {
    const { point, started, steps } = await searchOn(
      { slots: 50, serviceMs: 5 },
      { startRate: "10", growth: "1.5", stepSeconds: "0.5", maxRequests: "23" },
    );
    assert.ok(started.arrived() <= 23);
    assert.equal(
      started.arrived(),
      steps.reduce((sum, { requests }) => sum + requests, 0),
    );
    assert.equal(point?.limitedBy, "max-requests");
  });

  it("stops at the rate that it may go to", async () => {
    const { point, steps } = await searchOn(
      { slots: 50, serviceMs: 5 },
      { startRate: "10", growth: "1.5", stepSeconds: "0.5", maxRate: "12" },
    );
    assert.deepEqual(
      steps.map((step) => step.offeredRequestsPerSecond),
      [10, 12],
    );
    assert.equal(point?.limitedBy, "max-rate");
  });
});

describe("a server's utilisation", () => {
  it("is the mean of its devices", () => {
    const page = [
      "# HELP inference_device_utilisation_ratio Of a device, 0 to 1.",
      'inference_device_utilisation_ratio{device="0"} 0.5',
      'inference_device_utilisation_ratio{device="1"} 0.9 1760000000000',
      'inference_device_utilisation_ratio_other{device="1"} 7',
      "inference_ready 1",
    ].join("\n");
    assert.ok(Math.abs(utilisationIn(page)! - 0.7) < 1e-9);
  });

  it("is unknown, not zero, where nobody says it", () => {
    assert.equal(utilisationIn("inference_ready 1\n"), undefined);
    assert.equal(utilisationIn("<html>"), undefined);
    assert.equal(utilisationIn('inference_device_utilisation_ratio{device="0"} NaN'), undefined);
  });
});
