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
      ended.set(way, await fleet("failing", ["plan", "--json", "--set", `how=${way}`]));
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

  it("only by talking keeps stdout clean, and its warnings for the end", async () => {
    const json = await fleet("failing", ["plan", "--json", "--set", "how=log"]);
    assert.deepEqual([json.status, json.stderr], [0, ""]);
    assert.equal(JSON.parse(json.stdout).stack, "dev");
    const text = await fleet("failing", ["plan", "--set", "how=log"]);
    assert.match(text.stdout, /warning: mind the gap\n$/);
  });
});
