import assert from "node:assert/strict";
import { managedInstanceNames } from "../../fleet/managedInstances";
import { managedPricePerHour, managedUsagePrices } from "../../fleet/managedPrices";
import { pricePerHour } from "../../fleet/prices";

const usd = (name: string) => managedPricePerHour(name, "us-east-1")?.usd;

describe("managed prices", () => {
  it("are known for every type that carries one of our accelerators", () => {
    for (const name of managedInstanceNames) {
      const price = managedPricePerHour(name, "us-east-1");
      assert.ok(price !== undefined && price.usd > 0, name);
      assert.ok(price.exact && price.source !== "" && /^\d{4}-\d\d-\d\d$/.test(price.date));
    }
  });

  it("are what was read, and dearer than EC2's by no one factor", () => {
    assert.equal(usd("ml.inf2.48xlarge"), 15.58);
    assert.equal(usd("ml.g5.12xlarge"), 7.09);
    const factors = managedInstanceNames.map((name) => {
      const ec2 = pricePerHour(name.slice("ml.".length), "us-east-1");
      return (usd(name) ?? 0) / (ec2?.usd ?? Number.NaN);
    });
    assert.ok(Math.min(...factors) > 1.14 && Math.max(...factors) < 1.41, factors.join(" "));
    const named = ["inf2.48xlarge", "inf2.xlarge", "g5.xlarge", "g5.2xlarge", "p4d.24xlarge"];
    assert.deepEqual(
      named.map((name) =>
        ((usd(`ml.${name}`) ?? 0) / (pricePerHour(name, "us-east-1")?.usd ?? 0)).toFixed(2),
      ),
      ["1.20", "1.31", "1.40", "1.25", "1.15"],
    );
  });

  it("say that us-east-1's stands in for another region", () => {
    const price = managedPricePerHour("ml.inf2.48xlarge", "us-west-2");
    assert.deepEqual([price?.usd, price?.region, price?.exact], [15.58, "us-east-1", false]);
  });

  it("are undefined for a type that nobody priced, and for what every object has", () => {
    for (const name of ["inf2.48xlarge", "ml.inf2.2xlarge", "ml.toString", "toString"]) {
      assert.equal(managedPricePerHour(name, "us-east-1"), undefined, name);
    }
  });

  it("have what an endpoint is charged for besides its instances", () => {
    const { dataInGb, dataOutGb, storageGbMonth } = managedUsagePrices;
    assert.deepEqual([dataInGb.usd, dataOutGb.usd, storageGbMonth.usd], [0.016, 0.016, 0.154]);
  });
});
