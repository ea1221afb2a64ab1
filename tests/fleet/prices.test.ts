import assert from "node:assert/strict";
import { accelerators } from "../../fleet/accelerators";
import { measurements } from "../../fleet/measurements";
import { pricedInstanceTypes, pricePerHour } from "../../fleet/prices";

describe("prices", () => {
  it("are Table 1's for the five units' machines in us-west-2", () => {
    const printed: Record<string, number> = {
      "inf2.xlarge": 0.7582,
      "trn1.2xlarge": 1.3438,
      "g5.xlarge": 1.006,
      "g6.xlarge": 0.8048,
    };
    for (const { instanceType } of Object.values(measurements)) {
      const price = pricePerHour(instanceType, "us-west-2");
      assert.equal(price?.usd, printed[instanceType]);
      assert.equal(price?.exact, true);
      assert.match(price?.source ?? "", /scalable-hw-agnostic-inference, Table 1/);
    }
  });

  it("are known for every size of every accelerator, in any region", () => {
    for (const { instanceTypes } of Object.values(accelerators)) {
      for (const name of Object.keys(instanceTypes)) {
        for (const region of ["us-west-2", "us-east-1", "eu-central-1", "sa-east-1"]) {
          const price = pricePerHour(name, region);
          assert.ok(price !== undefined && price.usd > 0, `${name} in ${region}`);
          assert.equal(price.exact, price.region === region);
          assert.ok(price.source !== "" && price.date !== "");
        }
      }
    }
  });

  it("say whose price stands in where a region has none of its own", () => {
    assert.deepEqual(pricePerHour("inf2.xlarge", "eu-central-1")?.usd, 1.1373);
    const elsewhere = pricePerHour("trn1.2xlarge", "eu-central-1");
    assert.deepEqual([elsewhere?.exact, elsewhere?.region], [false, "us-west-2"]);
    const seldom = pricePerHour("p4d.24xlarge", "us-west-2");
    assert.deepEqual([seldom?.exact, seldom?.region], [false, "us-east-1"]);
  });

  it("are known for the machines that carry the controllers", () => {
    for (const name of ["m7g.large", "m7i.large", "m6i.large", "c7g.large"]) {
      assert.ok(pricedInstanceTypes().includes(name));
    }
  });

  it("are undefined for a type that nobody priced, and for what every object has", () => {
    assert.equal(pricePerHour("x9.huge", "us-west-2"), undefined);
    assert.equal(pricePerHour("toString", "us-west-2"), undefined);
    assert.equal(pricePerHour("inf2.xlarge", "constructor")?.exact, false);
  });
});
