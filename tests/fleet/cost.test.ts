import assert from "node:assert/strict";
import {
  costPerThousandImages,
  derivedCostPerInferenceSecond,
  fleetCostPerHour,
  type PaidFleet,
} from "../../fleet/cost";
import { measurements } from "../../fleet/measurements";
import { pricePerHour } from "../../fleet/prices";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

describe("cost of inference", () => {
  it("is what Table 1 prints, but in the three rows where its own figures give another", () => {
    const rows = Object.values(measurements).map((row) => {
      const price = pricePerHour(row.instanceType, "us-west-2")!.usd;
      const derived = derivedCostPerInferenceSecond(price, row.throughput);
      return [derived.toFixed(5), row.publishedCostPerInferenceSecond?.toFixed(5)];
    });
    assert.deepEqual(rows, [
      ["0.00722", "0.00733"],
      ["0.01034", "0.01023"],
      ["0.01118", "0.01118"],
      ["0.01319", "0.01320"],
      ["0.01677", "0.01677"],
    ]);
  });

  it("ranks the five units as Table 1 does, cheapest first", () => {
    const costs = Object.values(measurements).map(({ instanceType, throughput }) =>
      costPerThousandImages(pricePerHour(instanceType, "us-west-2")!.usd, throughput),
    );
    assert.deepEqual(
      costs,
      [...costs].sort((a, b) => a - b),
    );
  });

  it("is 12 cents for a thousand images on inf2.xlarge", () => {
    close(costPerThousandImages(0.7582, 105), 0.7582 / 6.3);
  });

  it("refuses a throughput of nothing and a negative price", () => {
    assert.throws(() => costPerThousandImages(1, 0), RangeError);
    assert.throws(() => costPerThousandImages(-1, 1), RangeError);
  });
});

describe("an environment's cost per hour", () => {
  const fleet: PaidFleet = {
    region: "us-west-2",
    units: [
      {
        name: "sd21-inf2-neuron",
        instanceType: "inf2.xlarge",
        devicesPerReplica: 1,
        replicas: { min: 1, max: 10 },
      },
      {
        name: "big",
        instanceType: "inf2.48xlarge",
        devicesPerReplica: 2,
        replicas: { min: 0, max: 13 },
        headroom: 1,
        pricePerHour: 5,
      },
    ],
    systemNodes: { instanceType: "m7i.large", min: 2, max: 4 },
    controlPlanes: 1,
    natGateways: 1,
    loadBalancers: 1,
    interfaceEndpoints: 6,
  };

  it("adds up units, system nodes, control plane, gateway, load balancer and endpoints", () => {
    const fixed = 0.1 + 0.045 + 0.0225 + 0.06;
    const cost = fleetCostPerHour(fleet);
    close(cost.usd.min, 0.7582 + 5 + 2 * 0.1008 + fixed);
    // 13 replicas of two chips on machines of twelve: three machines, and one warm.
    close(cost.usd.max, 7.582 + 4 * 5 + 4 * 0.1008 + fixed);
    assert.deepEqual(
      cost.lines.map(({ kind, count }) => [kind, count.min, count.max]),
      [
        ["unit", 1, 10],
        ["unit", 1, 4],
        ["systemNodes", 2, 4],
        ["controlPlane", 1, 1],
        ["natGateway", 1, 1],
        ["loadBalancer", 1, 1],
        ["interfaceEndpoint", 6, 6],
      ],
    );
  });

  it("counts a runtime that starts from zero in the maximum alone, under its own name", () => {
    const runtime = {
      name: "drafts",
      instanceType: "g5.xlarge",
      devicesPerReplica: 1,
      replicas: { min: 0, max: 3 },
    };
    const [without, cost] = [
      fleetCostPerHour(fleet),
      fleetCostPerHour({ ...fleet, runtimes: [runtime] }),
    ];
    const [line] = cost.lines.filter(({ kind }) => kind === "runtime");
    assert.equal(line!.name, "drafts");
    assert.deepEqual(line!.count, { min: 0, max: 3 });
    assert.equal(cost.usd.min, without.usd.min);
    assert.ok(Math.abs(cost.usd.max - without.usd.max - 3 * 1.006) < 1e-9);
    const priced = { ...runtime, pricePerHour: 0.4 };
    const spot = fleetCostPerHour({ ...fleet, runtimes: [priced] });
    assert.ok(Math.abs(spot.usd.max - without.usd.max - 1.2) < 1e-9);
  });

  it("counts a capacity probe's machine in the most that it costs, and not in the least", () => {
    const [unit] = fleet.units;
    const without = fleetCostPerHour({ ...fleet, units: [unit!] });
    const cost = fleetCostPerHour({ ...fleet, units: [{ ...unit!, probes: 1 }] });
    close(cost.usd.min, without.usd.min);
    close(cost.usd.max, without.usd.max + 0.7582);
    const line = cost.lines.find(({ kind }) => kind === "probe");
    assert.deepEqual(line?.count, { min: 0, max: 1 });
  });

  it("leaves out what there is none of", () => {
    const { systemNodes: _, ...rest } = fleet;
    const none = { controlPlanes: 0, natGateways: 0, loadBalancers: 0, interfaceEndpoints: 0 };
    const cost = fleetCostPerHour({ ...rest, ...none });
    assert.deepEqual(
      cost.lines.map(({ kind }) => kind),
      ["unit", "unit"],
    );
  });

  it("says when a price is another region's, or is not known at all", () => {
    assert.equal(fleetCostPerHour(fleet).exact, false); // m7i.large is known in us-east-1 only
    const { systemNodes: _, ...rest } = fleet;
    assert.equal(fleetCostPerHour(rest).exact, true);
    assert.equal(fleetCostPerHour({ ...rest, region: "sa-east-1" }).exact, false);

    const odd = fleetCostPerHour({
      ...rest,
      systemNodes: { instanceType: "x9.huge", min: 1, max: 1 },
    });
    assert.deepEqual(odd.unpriced, ["x9.huge"]);
    assert.equal(odd.exact, false);
    assert.equal(odd.usd.min, fleetCostPerHour(rest).usd.min);
  });

  it("refuses a unit on a machine without accelerators", () => {
    const [unit] = fleet.units;
    assert.throws(
      () => fleetCostPerHour({ ...fleet, units: [{ ...unit!, instanceType: "m7i.large" }] }),
      /sd21-inf2-neuron: no accelerated instance type is m7i\.large/,
    );
  });
});
