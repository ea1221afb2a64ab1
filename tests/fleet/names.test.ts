import assert from "node:assert/strict";
import fc from "fast-check";
import * as names from "../../fleet/names";

const { physicalName } = names;

const limits = Object.values(names).filter((value) => typeof value === "number");

describe("physical names", () => {
  it("are the parts as they are, when those are short and plain", () => {
    assert.equal(
      physicalName(["diffusion-fleet", "dev", "tasks"], 80),
      "diffusion-fleet-dev-tasks",
    );
    assert.equal(physicalName(["diffusion-fleet", "", "tasks"], 80), "diffusion-fleet-tasks");
  });

  it("stay the same for good: a changed one would replace resources", () => {
    assert.equal(
      physicalName(["diffusion-fleet", "Dev", "tasks"], names.sqsQueueName),
      "diffusion-fleet-dev-tasks-37742o95",
    );
    assert.equal(
      physicalName(["diffusion-fleet", "a-stack-with-a-very-long-name", "karpenter"], 38),
      "diffusion-a-stack-w-karpenter-u7b3mvd2",
    );
  });

  it("keep every part readable: the longest gives way", () => {
    const name = physicalName(["fleet", "x".repeat(300), "karpenter"], names.iamRoleName);
    assert.equal(name.length, names.iamRoleName);
    assert.match(name, /^fleet-x+-karpenter-[0-9a-v]{8}$/);
  });

  it("are legal everywhere and within the limit, whatever the parts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 60, unit: "grapheme" }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...limits, 10),
        (parts, limit) => {
          fc.pre(parts.some((part) => part !== ""));
          const name = physicalName(parts, limit);
          assert.ok(name.length <= limit, name);
          assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
          assert.equal(physicalName(parts, limit), name);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("differ for stacks that differ in case or in characters a name cannot have", () => {
    const stacks = ["dev", "Dev", "DEV", "a-b", "a_b", "a.b", "a--b", "a b", "-a-b", "é", "è", "_"];
    const all = stacks.map((stack) => physicalName(["fleet", stack, "tasks"], 80));
    assert.equal(new Set(all).size, stacks.length, all.join(" "));
  });

  it("differ for thousands of stacks with one long beginning, at any limit", () => {
    const beginning = "feature-".repeat(12);
    for (const limit of [names.loadBalancerName, names.s3BucketPrefix, names.dns1123Label]) {
      const seen = new Set<string>();
      for (let index = 0; index < 5000; index += 1) {
        seen.add(physicalName(["diffusion-fleet", `${beginning}${index}`, "x"], limit));
      }
      assert.equal(seen.size, 5000, `limit ${limit}`);
    }
  });

  it("differ for any two stacks", () => {
    const stack = fc.stringMatching(/^[A-Za-z0-9._-]{1,100}$/);
    fc.assert(
      fc.property(stack, stack, fc.constantFrom(...limits), (one, other, limit) => {
        fc.pre(one !== other);
        const of = (name: string) => physicalName(["diffusion-fleet", name, "queue"], limit);
        assert.notEqual(of(one), of(other));
      }),
      { numRuns: 5000 },
    );
  });

  it("refuse a limit that leaves no room for the hash, and no parts at all", () => {
    assert.throws(() => physicalName(["fleet"], 9), RangeError);
    assert.throws(() => physicalName([], 63), RangeError);
    assert.throws(() => physicalName(["", ""], 63), RangeError);
  });
});
