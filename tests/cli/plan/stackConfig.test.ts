import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStackConfig, toPulumi, withAssignment } from "../../../cli/plan/stackConfig";

describe("a stack's config", () => {
  let root: string;
  const write = (file: string, text: string) => writeFileSync(join(root, file), text);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "stack-config-"));
    write(
      "Pulumi.yaml",
      "name: app\nruntime: nodejs\nconfig:\n  aws:region: us-west-2\n  size: { default: 3 }\n",
    );
    write("Pulumi.dev.yaml", "config:\n  app:mode: cost\n  app:units: { one: { weight: 5 } }\n");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const planned = (...assignments: string[]) =>
    toPulumi(assignments.reduce(withAssignment, readStackConfig(root, "dev"))).values;

  it("is the project's defaults under the stack's own values, objects as JSON", () => {
    assert.deepEqual(planned(), {
      "aws:region": "us-west-2",
      "app:size": "3",
      "app:mode": "cost",
      "app:units": '{"one":{"weight":5}}',
    });
  });

  it("takes assignments without a namespace as the project's", () => {
    assert.equal(planned("mode=capacity")["app:mode"], "capacity");
    assert.equal(planned("aws:region=us-east-1")["aws:region"], "us-east-1");
    assert.equal(planned("app:mode=capacity")["app:mode"], "capacity");
  });

  it("hands objects over as Pulumi does: as JSON with sorted keys", () => {
    const config = planned("z={b: {d: 1, c: 2}, a: [{y: 1, x: 2}]}");
    assert.equal(config["app:z"], '{"a":[{"x":2,"y":1}],"b":{"c":2,"d":1}}');
  });

  it("takes assignments deep inside a value, and values that are YAML", () => {
    assert.equal(planned("units.one.weight=7")["app:units"], '{"one":{"weight":7}}');
    assert.equal(
      planned('units["a=b"].list=[1, two]')["app:units"],
      '{"a=b":{"list":[1,"two"]},"one":{"weight":5}}',
    );
    assert.equal(planned("on=true", "text=a=b")["app:on"], "true");
    assert.equal(planned("text=a=b")["app:text"], "a=b");
  });

  it("loses a key that is set to nothing", () => {
    assert.ok(!("app:mode" in planned("mode=")));
    assert.equal(planned("units.one=null")["app:units"], "{}");
  });

  it("keeps encrypted values secret, also inside objects", () => {
    write(
      "Pulumi.dev.yaml",
      "config:\n  app:token: { secure: AAA }\n  app:nested: { a: [{ secure: BBB }], b: 1 }\n  app:plain: 1\n",
    );
    const config = toPulumi(readStackConfig(root, "dev"));
    assert.deepEqual(config.secretKeys, ["app:token", "app:nested"]);
    assert.equal(config.values["app:token"], "<secret>");
    assert.equal(config.values["app:nested"], '{"a":["<secret>"],"b":1}');
  });

  it("of an unknown stack names the stacks that there are, and the nearest", () => {
    write("Pulumi.prod.yaml", "config: {}\n");
    assert.throws(() => readStackConfig(root, "prd"), {
      name: "UserError",
      message: /dev, prod.*Did you mean "prod"/,
    });
  });

  it("refuses a namespace that nothing reads, with the nearest", () => {
    assert.throws(() => planned("apps:mode=cost"), /"apps".*Did you mean "app"/);
    assert.equal(planned("kubernetes:context=x")["kubernetes:context"], "x");
  });

  it("refuses what is not PATH=VALUE or not YAML, and says which", () => {
    for (const wrong of ["mode", "=x", "mode=[a", "mode={", "units.one[0]=1", "a..b=1"])
      assert.throws(
        () => planned(wrong),
        (error: Error) => {
          assert.equal(error.name, "UserError");
          return true;
        },
        wrong,
      );
  });
});
