import assert from "node:assert/strict";
import { failoverSettingsSchema } from "../../../contracts/failover";
import { ConfigError } from "../../../stacks/config/errors";
import { parseConfig } from "../../../stacks/config/parse";

function parse(failover: Record<string, unknown>, unit = "sd21-inf2-neuron") {
  const { throughput, latencySeconds } = { throughput: 105, latencySeconds: 0.67 };
  return parseConfig(
    {
      units: {
        [unit]: {
          model: "sd21",
          accelerator: "inf2",
          framework: "neuron",
          measurement: { throughput, latencySeconds },
        },
      },
      failover,
    },
    "us-west-2",
  );
}

function problemsOf(...args: Parameters<typeof parse>): [key: string, allowed: string][] {
  try {
    parse(...args);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `another error: ${error}`);
    return error.problems.map(({ key, allowed }) => [key, allowed]);
  }
  return [];
}

function onlyProblem(...args: Parameters<typeof parse>): [key: string, allowed: string] {
  const problems = problemsOf(...args);
  assert.equal(problems.length, 1, JSON.stringify(problems));
  return problems[0]!;
}

describe("The config of fail-over", () => {
  it("is off unless it is turned on, with the controller's own defaults", () => {
    const { enabled, notify, controller, ...settings } = parse({}).failover;
    assert.deepEqual([enabled, notify], [false, true]);
    assert.deepEqual(controller, { source: "external", tag: "0.1.0" });
    assert.deepEqual(settings, failoverSettingsSchema.parse({}));
  });

  it("names a misspelt key and the nearest, and a wrong value with what is allowed", () => {
    assert.match(onlyProblem({ dwelSeconds: 60 })[1], /dwellSeconds/);
    assert.deepEqual(onlyProblem({ strategy: "switsh" }), [
      "failover.strategy",
      "switch, reweight",
    ]);
    assert.equal(onlyProblem({ actOn: ["capacitee"] })[0], "failover.actOn[0]");
  });

  it("says all that a number or a list may be, in its unit and with the reason", () => {
    const hold = /^190 to 3600 seconds: not less than the three minutes for which Karpenter hides/;
    assert.match(onlyProblem({ holdSeconds: 60 })[1], hold);
    assert.equal(onlyProblem({ confirmSeconds: -1 })[1], "0 to 60 seconds");
    assert.equal(onlyProblem({ dwellSeconds: 100_000 })[1], "0 to 86400 seconds");
    assert.equal(onlyProblem({ probeMinutes: 500 })[1], "0 to 120 minutes");
    assert.match(onlyProblem({ maxSwitchesPerHour: 1 })[1], /^a whole number, \d to 3600/);
    assert.match(onlyProblem({ actOn: [] })[1], /^at least one of capacity, quota, /);
    assert.equal(onlyProblem({ actOn: "capacity" })[1], "a list, e.g. [capacity]");
    assert.equal(onlyProblem({ actOn: ["capacity", "capacity"] })[1], "each cause once");
  });

  it("judges times beside mistakes of all kinds in other keys", () => {
    const beside = (failover: Record<string, unknown>) =>
      problemsOf({ probeMinutes: 1, ...failover }).map(([key]) => key);
    assert.deepEqual(beside({ actOn: [] }), ["failover.actOn", "failover.probeMinutes"]);
    assert.deepEqual(beside({ actOn: ["capacitee", "quotta"] }), [
      "failover.actOn[0]",
      "failover.actOn[1]",
      "failover.probeMinutes",
    ]);
    assert.deepEqual(beside({ holdSeconds: 1, dwelSeconds: 3, controller: { tag: "latest" } }), [
      "failover.holdSeconds",
      "failover.controller.tag",
      "failover.dwelSeconds",
      "failover.probeMinutes",
    ]);
    assert.deepEqual(beside({ recoverSeconds: "long" }), ["failover.recoverSeconds"]);
  });

  it("wants a probe to hold its machine until traffic is back, where there are probes", () => {
    const [key, allowed] = onlyProblem({ probeMinutes: 5, recoverSeconds: 300 });
    assert.equal(key, "failover.probeMinutes");
    assert.match(allowed, /^0, or more than 5 minutes/);
    assert.match(allowed, /Change failover\.probeMinutes or failover\.recoverSeconds$/);
    assert.deepEqual(problemsOf({ probeMinutes: 0, recoverSeconds: 300 }), []);
    assert.deepEqual(problemsOf({ probeMinutes: 6, recoverSeconds: 300 }), []);
  });

  it("does not let traffic move back faster than it moves away", () => {
    const [key, allowed] = onlyProblem({ dwellSeconds: 1, confirmSeconds: 2 });
    assert.equal(key, "failover.dwellSeconds");
    assert.match(allowed, /at least confirmSeconds, which is 2/);
    assert.deepEqual(problemsOf({ dwellSeconds: 2, confirmSeconds: 2 }), []);
  });

  it("blames the time that is wrong by itself, not the one beside it", () => {
    assert.deepEqual(
      problemsOf({ probeMinutes: 15, recoverSeconds: 9999 }).map(([key]) => key),
      ["failover.recoverSeconds"],
    );
  });

  it("takes a repository without a tag, and none for an image that it builds itself", () => {
    assert.match(onlyProblem({ controller: { repository: "ghcr.io/a/b:1" } })[1], /without tag/);
    assert.match(
      onlyProblem({ controller: { source: "local", repository: "ghcr.io/a/b" } })[1],
      /nothing with `source: local`/,
    );
    const digest = `sha256:${"a".repeat(64)}`;
    assert.equal(
      onlyProblem({ controller: { source: "local", digest } })[0],
      "failover.controller.digest",
    );
    assert.equal(onlyProblem({ controller: { tag: "latest" } })[0], "failover.controller.tag");
    assert.deepEqual(onlyProblem({ controller: { source: "local", tag: "0.2.0" } }), [
      "failover.controller.tag",
      "nothing with `source: local`, which builds the image and pushes it by the digest that it gets",
    ]);
  });

  it("keeps units off the names of probes and of the controller", () => {
    for (const name of ["sd21-probe", "sd21-headroom", "failover-controller"])
      assert.equal(onlyProblem({}, name)[0], `units.${name}`);
  });
});
