import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClusterObjects } from "../../../cli/routes/clusterObjects";
import { defaultNamespace } from "../../../cli/routes/command";
import { secondLook } from "../../../cli/routes/failoverReport";
import { essence, routesReport } from "../../../cli/routes/report";
import { reportLines } from "../../../cli/routes/reportText";
import { WIDTH } from "../../../cli/terminal";
import { UserError } from "../../../contracts/userError";
import { configSchema } from "../../../stacks/config/schema";
import { asConfigured, failedOver, now, seen, soldOut, well } from "./seen";

const place = { context: "prod", server: "https://example.invalid", namespace: "diffusion-fleet" };

const report = (objects: ClusterObjects, model?: string) => routesReport(place, objects, model);

const only = (objects: ClusterObjects) => {
  const { models } = report(objects);
  assert.equal(models.length, 1);
  return models[0]!;
};

const text = (objects: ClusterObjects) => reportLines(report(objects), (_, it) => it).join("\n");

describe("What `fleet routes` says of a cluster", () => {
  it("is that a model is as configured, unit by unit", () => {
    const model = only(seen());
    assert.equal(model.mode, "cost");
    assert.deepEqual([...model.drift, ...model.problems], []);
    const lines = text(seen());
    assert.match(lines, /^sd21 · cost mode, as configured$/m);
    assert.match(lines, /^ {2}sd21-inf2-neuron +40 +105 +2\/2 +0 +well +off +none$/m);
    assert.match(
      lines,
      /fail-over is on, strategy switch · failover-controller-7d9c6-abcde, heard of 1s ago/,
    );
  });

  it("is that a model has failed over, since when, why, and what the evidence is", () => {
    const lines = text(seen({ mode: "capacity", status: failedOver }));
    assert.match(lines, /^sd21 · capacity mode \(config: cost\), failed over for 11m$/m);
    assert.match(
      lines,
      /^ {2}because +sd21-inf2-neuron is short of machines \(capacity, NodeClaim/m,
    );
    assert.match(lines, /^ {2}since +2026-11-15 03:08:02 UTC, 11m ago$/m);
    assert.match(lines, /^ {2}switches +1 in the last hour, of at most 5$/m);
    assert.match(
      lines,
      /sd21-inf2-neuron +– +97.5 +2\/2 +3 +short 11m +waiting +capacity 4s ago$/m,
    );
    assert.match(lines, /capacity, on NodeClaim \S+-x7k2p, first seen 12m ago, last\s+4s ago:/);
    assert.match(lines, /InsufficientInstanceCapacity/);
    assert.match(lines, /3 pods wait for a machine, for 12m/);
  });

  it("has the live route's mode, not the status's, and points out where they differ", () => {
    const model = only(seen({ mode: "cost", status: failedOver }));
    assert.equal(model.mode, "cost");
    assert.deepEqual(model.drift, [
      "The live route is in cost mode, the controller's status says capacity mode.",
    ]);
  });

  it("points out weights that somebody else has set", () => {
    const weights = { "sd21-inf2-neuron": 30, "sd21-g5-triton": 15 };
    assert.deepEqual(only(seen({ status: { ...asConfigured, weights } })).drift, [
      "The live route has other weights than the controller's status: sd21-inf2-neuron 40 (there 30).",
    ]);
  });

  it("points out scaling targets that are not the mode's", () => {
    const objects = seen({ mode: "capacity", status: failedOver });
    const { scaledObjects } = seen();
    assert.deepEqual(only({ ...objects, scaledObjects }).drift, [
      "The live scaling targets are not those of capacity mode: sd21-inf2-neuron 105 (there 97.5).",
    ]);
  });

  it("knows a route whose backends are neither mode's", () => {
    const stranger = {
      metadata: { name: "sd21" },
      spec: { rules: [{ backendRefs: [{ name: "other" }] }] },
    };
    const model = only({ ...seen(), routes: [stranger] });
    assert.equal(model.mode, "other");
    assert.deepEqual(model.backends, [{ service: "other", weight: 1 }]);
    assert.match(
      text({ ...seen(), routes: [stranger] }),
      /neither mode's backends \(config: cost\)/,
    );
  });

  it("is a pin with its reason", () => {
    const pinned = {
      ...asConfigured,
      mode: "capacity",
      pin: { mode: "capacity", reason: "load test" },
      weights: { sd21: 1 },
    };
    const objects = seen({
      mode: "capacity",
      pin: "capacity",
      reason: "load test",
      status: pinned,
    });
    assert.deepEqual(only(objects).problems, []);
    assert.match(text(objects), /^sd21 · capacity mode \(config: cost\), pinned$/m);
    assert.match(text(objects), /^ {2}pin +capacity: load test$/m);
  });

  it("is that a pin is not taken up yet, or not its end", () => {
    assert.deepEqual(only(seen({ pin: "capacity" })).problems, [
      "The controller has not taken up the pin to capacity mode yet.",
    ]);
    const pinned = { ...asConfigured, pin: { mode: "cost" } };
    assert.deepEqual(only(seen({ status: pinned })).problems, [
      "The pin to cost mode is gone; the controller has not taken that up yet.",
    ]);
  });

  it("is that a pin that names no mode is ignored", () => {
    assert.deepEqual(only(seen({ pin: "capcity" })).problems, [
      'The pin "capcity" is ignored: a mode is cost or capacity.',
    ]);
  });

  it("is that fail-over is off, and then nothing of evidence", () => {
    const objects = seen({ failover: false });
    assert.match(text(objects), /fail-over is off: routes are as the config says/);
    assert.doesNotMatch(text(objects), /evidence|probe|pending/);
    assert.deepEqual([...only(objects).drift, ...only(objects).problems], []);
    assert.deepEqual(only(seen({ failover: false, pin: "cost" })).problems, [
      "It is pinned, which has no effect: fail-over is off.",
    ]);
    assert.deepEqual(only(seen({ failover: false, mode: "capacity" })).drift, [
      "The live route is in capacity mode, the config says cost mode.",
    ]);
  });

  it("is that the controller is dead, for how long, and that routes stay as they are", () => {
    const objects = seen({ heardSeconds: 720 });
    assert.equal(report(objects).failover.state, "silent");
    assert.match(text(objects), /controller is dead: last heard of 12m ago/);
    assert.match(text(objects), /Routes stay as\s+they are/);
  });

  it("is that a leader whose clock is wrong is alive, since it renews its Lease", () => {
    const [first, second] = [700, 698].map((seconds) => report(seen({ heardSeconds: seconds })));
    assert.equal(secondLook(first!.failover, first!.failover).state, "silent");
    const { state, problems } = secondLook(first!.failover, second!.failover);
    assert.equal(state, "running");
    assert.match(problems[0]!, /a clock is wrong/);
  });

  it("is that no controller has ever run", () => {
    const objects = seen({ heardSeconds: null, status: null });
    assert.match(text(objects), /its controller has never run: routes stay as they are/);
    assert.deepEqual(only(objects).problems, []);
  });

  it("is what is wrong with a status, with settings or with a table, and all the rest", () => {
    const broken = { ...asConfigured, units: { "sd21-g5-triton": { ...well, state: "poorly" } } };
    const model = only(seen({ status: broken }));
    assert.match(
      model.problems[0]!,
      /^sd21\.json in the ConfigMap failover-status cannot be read: units\.sd21-g5-triton\.state: /,
    );
    assert.equal(model.units[0]!.weight, 40);
    const settings = { data: { "settings.json": "{" } };
    assert.match(
      report({ ...seen(), settings }).failover.problems[0]!,
      /^The ConfigMap failover-settings cannot be read/,
    );
    assert.deepEqual(only({ ...seen(), routeTables: undefined }).problems, [
      "The ConfigMap route-tables lacks it.",
    ]);
  });

  it("is the evidence that is known but not acted on", () => {
    const quota = { ...soldOut, state: "well", evidence: { ...soldOut.evidence!, cause: "quota" } };
    const units = { ...asConfigured.units, "sd21-inf2-neuron": quota };
    assert.match(
      text(seen({ status: { ...asConfigured, units } })),
      /quota, which moves no traffic, on NodeClaim/,
    );
  });

  it("is which share of the requests has no server", () => {
    assert.deepEqual(only(seen({ ready: { "sd21-inf2-neuron": 0 } })).problems, [
      "sd21-inf2-neuron has 73 % of the requests and no ready replica: they fail.",
    ]);
    const none = { "sd21-inf2-neuron": 0, "sd21-g5-triton": 0 };
    assert.deepEqual(only(seen({ ready: none, mode: "capacity", status: failedOver })).problems, [
      "No unit has a ready replica: all requests fail.",
    ]);
  });

  it("is whether the load balancer controller has taken the route up", () => {
    const objects = seen();
    const [route] = objects.routes as [{ metadata: object; status: object }];
    const at = (generation: number) => [{ ...route, metadata: { name: "sd21", generation } }];
    assert.deepEqual(only({ ...objects, routes: at(4) }).problems, []);
    assert.deepEqual(only({ ...objects, routes: at(5) }).problems, [
      "The load balancer controller has not taken up the route's last change (4 of 5).",
    ]);
    assert.deepEqual(only({ ...objects, routes: [{ ...route, status: {} }] }).problems, [
      "No load balancer controller has taken up the route yet.",
    ]);
  });

  it("is what keeps the controller from doing what it wants", () => {
    const status = { ...asConfigured, error: "httproutes sd21 cannot be written: 403" };
    assert.match(
      text(seen({ status })),
      /! The controller says: httproutes sd21 cannot be written/,
    );
  });

  it("names the models that there are when it is asked for another", () => {
    assert.throws(
      () => report(seen(), "sd12"),
      (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /no model "sd12".*there is sd21\. Did you mean sd21\?$/);
        return true;
      },
    );
    const nothing = { ...seen(), routes: [], routeTables: undefined };
    assert.throws(() => report(nothing), /There is no model in namespace diffusion-fleet/);
  });

  it("looks in the namespace that the config has by default", () => {
    assert.equal(configSchema.shape.namespace.parse(undefined), defaultNamespace);
  });

  it("takes no more than 98 columns, whatever is told", () => {
    const word = fc.stringMatching(/^[a-z0-9-]{1,40}$/);
    const sentence = fc
      .array(word, { minLength: 1, maxLength: 30 })
      .map((words) => words.join(" "));
    const evidence = fc.record({ message: sentence, source: sentence });
    fc.assert(
      fc.property(sentence, sentence, evidence, sentence, (reason, why, told, error) => {
        const unit = { ...soldOut, evidence: { ...soldOut.evidence!, ...told } };
        const units = { ...failedOver.units, "sd21-inf2-neuron": unit };
        const status = { ...failedOver, reason, error, units };
        const objects = seen({ pin: "neither", reason: why, status, heardSeconds: 999 });
        for (const line of text(objects).split("\n"))
          assert.ok(line.length <= WIDTH, `${line.length}: ${line}`);
      }),
    );
  });

  it("is a report, whatever a cluster has stored", () => {
    const any = fc.anything({ withNullPrototype: false, maxDepth: 4 });
    const object = fc.oneof(
      any,
      fc.record({
        metadata: fc.record({ name: fc.constant("sd21"), annotations: any }),
        spec: any,
        status: any,
      }),
      fc.record({ data: fc.dictionary(fc.constantFrom("sd21.json", "settings.json"), fc.json()) }),
    );
    fc.assert(
      fc.property(fc.array(object), object, object, object, object, (list, a, b, c, d) => {
        const objects = {
          at: now,
          routes: [...seen().routes, ...list],
          scaledObjects: list,
          deployments: list,
          routeTables: a,
          settings: b,
          status: c,
          lease: d,
        };
        assert.ok(text(objects).length > 0);
      }),
      { numRuns: 300 },
    );
  });

  it("is another report only when something has happened", () => {
    const later = { ...seen({ heardSeconds: 2 }), at: now + 1000 };
    assert.equal(essence(report(later)), essence(report(seen())));
    assert.notEqual(essence(report(seen({ pin: "cost" }))), essence(report(seen())));
    const silent = report(seen({ heardSeconds: 99 }));
    assert.notEqual(essence(silent), essence(report(seen())));
  });

  it("does not say twice that a model is as configured", () => {
    assert.equal(text(seen()).split("as configured").length, 2);
  });

  it("marks what is wrong by colours", () => {
    const painted = reportLines(
      report(seen({ mode: "capacity", status: failedOver })),
      (tone, it) => `<${tone}>${it}</${tone}>`,
    ).join("\n");
    assert.match(painted, /<yellow>capacity mode.*failed over/);
    assert.match(painted, /<red>sd21-inf2-neuron .*short/);
    assert.doesNotMatch(painted, /<red>sd21-g5-triton/);
  });
});
