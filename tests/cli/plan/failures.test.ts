import assert from "node:assert/strict";
import { type Ended, fleet } from "../fleetProcess";

/** Each way to go wrong in fixtures/failing/program.ts, and what must be said of it. */
const BUGS: Record<string, RegExp> = {
  throw: /thrown by the program\n +at .*fixtures\/failing\/program\.ts:\d+/,
  apply: /thrown in an apply\n +at .*fixtures\/failing\/program\.ts:\d+/,
  cycle: /wait for each other: outside \(.*\) → inside \(.*\) → outside/,
  never: /never ends/,
  invoke: /getBillingServiceAccount.*cli\/plan\/invokes\.ts/,
  call: /getKubeconfig/,
  twice: /two resources have the URN .*Bucket::same/,
  output: /Calling \[toString\] on an \[Output<T>\]/,
  undefined: /Topic::topic: tags\.name: a missing value became the text `undefined`/,
  object: /Topic::topic: displayName: an object became a text/,
  logError: /the program complains/,
};

const USER_ERRORS: Record<string, RegExp> = {
  user: /^failing:how is wrong; allowed: something else\n$/,
  userInApply: /^found out late\n$/,
  config: /^The config has 2 problems:\n {2}.*one.*\n {2}.*two.*\n$/,
};

describe("a program that goes wrong", () => {
  const ended = new Map<string, Ended>();

  before(async () => {
    const ways = [...Object.keys(BUGS), ...Object.keys(USER_ERRORS)];
    const next = async (): Promise<void> => {
      const way = ways.shift();
      if (way === undefined) return;
      // Only one of them takes the detour of a first run without traces.
      const environment = way === "apply" ? {} : { DIFFUSION_FLEET_TRACES: "1" };
      const args = ["plan", "--json", "--set", `how=${way}`];
      ended.set(way, await fleet("failing", args, environment));
      await next();
    };
    await Promise.all([next(), next()]);
  });

  for (const [way, message] of Object.entries(BUGS))
    it(`by a bug (${way}) ends with status 3, says what and where, and prints no plan`, () => {
      const { status, stdout, stderr } = ended.get(way) as Ended;
      assert.deepEqual([status, stdout], [3, ""], stderr);
      assert.match(stderr, message);
    });

  for (const [way, message] of Object.entries(USER_ERRORS))
    it(`by its user's doing (${way}) ends with status 2 and the plain message`, () => {
      const { status, stdout, stderr } = ended.get(way) as Ended;
      assert.deepEqual([status, stdout], [2, ""], stderr);
      assert.match(stderr, message);
    });

  it("by violating a mandatory policy ends with status 1, after the whole plan", async () => {
    const json = await fleet("failing", ["plan", "--json", "--set", "how=violate"]);
    assert.equal(json.status, 1);
    const { violations, resources } = JSON.parse(json.stdout);
    assert.equal(violations[0].urn, resources.at(-1).urn);
    const text = await fleet("failing", ["plan", "--set", "how=violate"]);
    assert.equal(text.status, 1);
    assert.match(text.stdout, /^mandatory: forbidden: not wanted$/m);
  });

  it("by violating a mandatory policy ends so with --against as well, and says why", async () => {
    const args = ["plan", "--set", "how=violate", "--against", "how=advise"];
    const text = await fleet("failing", args);
    assert.equal(text.status, 1);
    assert.match(text.stdout, /to create.*^mandatory: forbidden: not wanted$/ms);
    const json = await fleet("failing", [...args, "--json"]);
    assert.equal(json.status, 1);
    assert.deepEqual(Object.keys(JSON.parse(json.stdout)), ["created", "deleted", "updated"]);
    assert.match(json.stderr, /^mandatory: forbidden: not wanted$/m);
  });

  it("by violating an advisory policy only hears of it", async () => {
    const { status, stdout } = await fleet("failing", ["plan", "--set", "how=advise"]);
    assert.equal(status, 0);
    assert.match(stdout, /^advisory: discouraged: not wanted$/m);
  });

  it("on the side of --against says that it is that side", async () => {
    const { status, stderr } = await fleet("failing", [
      "plan",
      "--set",
      "how=not",
      "--against",
      "how=user",
    ]);
    assert.equal(status, 2);
    assert.match(stderr, /^What --against names cannot be planned:\nfailing:how is wrong/);
  });

  it("only by talking keeps stdout clean, and its warnings for the end", async () => {
    const json = await fleet("failing", ["plan", "--json", "--set", "how=log"]);
    assert.deepEqual([json.status, json.stderr], [0, ""]);
    assert.equal(JSON.parse(json.stdout).stack, "dev");
    const text = await fleet("failing", ["plan", "--set", "how=log"]);
    assert.match(text.stdout, /warning: mind the gap\n\nPolicies: 2 asked, none violated.*\n$/);
  });
});
