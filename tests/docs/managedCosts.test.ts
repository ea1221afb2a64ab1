import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { monthlyCost } from "../../fleet/asyncCost";
import { cachedContainers } from "../../fleet/cachedContainers";
import {
  costPerImage,
  endpointCostOfUse,
  impliedPricePerHour,
  publishedCostChecks,
  publishedManagedCost,
} from "../../fleet/managedCost";
import { managedPricePerHour, managedUsagePrices } from "../../fleet/managedPrices";
import { pricePerHour, spotPricePerHour } from "../../fleet/prices";
import {
  reduction,
  restForReduction,
  type ScaleOut,
  scaleOutAverages,
  scaleOutTime,
} from "../../fleet/scaleOutTime";
import {
  capacityPerSample,
  imagesPerInstanceHour,
  instancesForRequests,
  publishedOverFormula,
  SEED_DEFAULTS,
  usageRate,
} from "../../fleet/usageRate";

const costs = page("docs/costs.md");
const endpoints = page("docs/operations/managed-endpoints.md");

const region = "us-west-2";

/** What a cluster costs a month without any load, as `dev` has it. */
const cluster = monthlyCost({
  controlPlanes: 1,
  systemNodes: {
    instanceType: "m7i.large",
    count: 2,
    pricePerHour: pricePerHour("m7i.large", region)!.usd,
    source: "",
  },
  natGateways: 1,
  keys: 0,
  publishers: 0,
  tableUsers: 0,
  metrics: 0,
}).lines.slice(0, 3);
const clusterUsd = cluster.reduce((sum, { usd }) => sum + usd, 0);

const managedUsd = (type: string) => managedPricePerHour(`ml.${type}`, region)!.usd;
const ec2Usd = (type: string) => pricePerHour(type, region)!.usd;

/** Hours of one instance a month at which SageMaker's difference is the cluster's cost. */
const hoursOf = (type: string, otherUsd = ec2Usd(type)) =>
  number(clusterUsd / (managedUsd(type) - otherUsd), 0);

describe("The cost of managed endpoints that the docs tell", () => {
  it("has each instance's two prices, and the hours that a cluster is worth", () => {
    const rows = [...costs.matchAll(/^\| ml\.([a-z0-9.]+) \| .*$/gm)];
    assert.ok(rows.length >= 8, `only ${rows.length}`);
    for (const [row, type = ""] of rows) {
      const more = `${number((managedUsd(type) / ec2Usd(type) - 1) * 100, 0)} %`;
      const cells = [`ml.${type}`, managedUsd(type), ec2Usd(type), more, hoursOf(type)];
      assert.equal(row, `| ${cells.join(" | ")} |`);
    }
    const spot = spotPricePerHour("g5.xlarge", region)!.usd;
    has(costs, `what a cluster costs without\nany load, ${usd(clusterUsd)}`);
    has(costs, `On spot, g5.xlarge costs ${spot}, and\nit is ${hoursOf("g5.xlarge", spot)}.`);
  });

  it("compares EKS and SageMaker by the same figures", () => {
    const [controlPlane, nodes, nat] = cluster.map((line) => usd(line.usd));
    const { dataInGb, dataOutGb, storageGbMonth } = managedUsagePrices;
    assert.equal(dataInGb.usd, dataOutGb.usd);
    for (const row of [
      `| ml.inf2.48xlarge, an hour | ${usd(ec2Usd("inf2.48xlarge"))} | ${managedUsd("inf2.48xlarge")} |`,
      `| ml.g5.xlarge, an hour | ${ec2Usd("g5.xlarge")}; spot ${spotPricePerHour("g5.xlarge", region)!.usd} | ${managedUsd("g5.xlarge")}; there is no spot |`,
      `${usd(clusterUsd)}: control plane ${controlPlane}, two system nodes ${nodes}, a NAT gateway ${nat} |`,
      `${hoursOf("g5.xlarge")} hours of ml.g5.xlarge a month, ${hoursOf("inf2.48xlarge")} of ml.inf2.48xlarge |`,
      `${dataInGb.usd} a GB in and out, ${storageGbMonth.usd} a GB-month of volumes |`,
      `${seconds({ instance: "new" })} s; ${seconds({ instance: "new", container: "cached" })} s with a container`,
      `| ${seconds({})} s; ${seconds({ container: "cached" })} s |`,
    ])
      has(endpoints, row);
    has(costs, `${dataInGb.usd} a GB into an endpoint, ${dataOutGb.usd} a GB out of one`);
    has(costs, `${storageGbMonth.usd} a GB-month`);
  });

  it("computes the campaign's month, from zero and from one", () => {
    const use = { busyHours: 40, busyInstances: 3, tailHours: 10 };
    const months = [0, 1].map((min) =>
      endpointCostOfUse(
        { usdPerHour: managedUsd("inf2.48xlarge"), instances: { min, max: 4 } },
        use,
      ),
    );
    for (const [title, part] of [
      ["40 hours of work", "busy"],
      ["10 hours of starting and waiting", "tail"],
      ["680 hours without work", "idle"],
      ["**a month**", "total"],
    ] as const)
      has(costs, `| ${[title, ...months.map((month) => usd(month[part]))].join(" | ")} |`);
  });

  it("holds the published cost of an image against the catalogue", () => {
    const { imagesPerInstanceHour: images, usdPerImage } = publishedManagedCost;
    has(costs, `${number(images, 0)} × ${usdPerImage} = ${usd(impliedPricePerHour)} $ an hour`);
    for (const { service, price, usdPerImage: own, discount } of publishedCostChecks()) {
      const name = service === "SageMaker" ? "ml.inf2.48xlarge" : "inf2.48xlarge";
      const row = costs.split("\n").find((line) => line.startsWith(`| ${service}, ${name} |`));
      assert.ok(row?.includes(`| ${price.region}, `), row);
      const cells = [price.usd, own.toFixed(6), `${number(discount * 100, 1)} %`];
      assert.ok(row?.endsWith(`| ${cells.join(" | ")} |`), row);
    }
    const [managed] = publishedCostChecks();
    has(costs, `the instance made ${number(managed!.imagesPerInstanceHour, 0)} an hour`);
    const byFormula = costPerImage(managed!.price.usd, imagesPerInstanceHour(SEED_DEFAULTS));
    has(costs, `image would cost $${byFormula.toFixed(6)} at list price`);
  });
});

describe("What the docs tell of managed endpoints' scaling", () => {
  it("is the usage rate's arithmetic", () => {
    const perMinute = capacityPerSample(SEED_DEFAULTS);
    const { imagesPerInstanceHour: published } = publishedManagedCost;
    const average = 50;
    for (const text of [
      `${average} × ${perMinute} = ${number(average * perMinute, 0)} images a minute | 1 × ${perMinute} = ${perMinute} |`,
      `| … of two | the same ${number(average * perMinute, 0)} | ${2 * perMinute} |`,
      `| ${usageRate(average, 120, SEED_DEFAULTS)!.toFixed(3)} | ${usageRate(1, 120, SEED_DEFAULTS)!.toFixed(2)} |`,
      `**${number(imagesPerInstanceHour(SEED_DEFAULTS), 0)} or ${number(published, 0)}.**`,
      `${publishedOverFormula.toFixed(1)} times as many`,
      `${((SEED_DEFAULTS.accelerators * 3600) / published).toFixed(2)} s of one accelerator`,
      `passed at ${number((SEED_DEFAULTS.target / publishedOverFormula) * 100, 0)} % of that`,
    ])
      has(endpoints, text);
    assert.equal(instancesForRequests(120, SEED_DEFAULTS), 3);
  });

  it("is the scale-out times' model, with the seed's printed averages", () => {
    for (const [title, instance, container] of [
      ["new instance, image pulled", "new", "pulled"],
      ["new instance, image cached", "new", "cached"],
      ["instance with room, image pulled", "available", "pulled"],
      ["instance with room, image cached", "available", "cached"],
    ] as const) {
      const time = scaleOutTime({ detection: "high-resolution", instance, container });
      const stages = [time.detect, time.instance, time.copy, time.total].map(decimal);
      const printed = scaleOutAverages[instance][container].total;
      has(endpoints, `| ${[title, ...stages, printed].join(" | ")} |`);
    }
    const standard = scaleOutTime({ detection: "standard", instance: "new", container: "pulled" });
    has(
      endpoints,
      `${standard.detect} + ${decimal(standard.instance)} + ${standard.copy} = ${Math.round(standard.total)} s`,
    );
    const saved = (instance: "new" | "available") => {
      const [before, after] = (["standard", "high-resolution"] as const).map((detection) =>
        scaleOutTime({ detection, instance, container: "pulled" }),
      );
      return number(reduction(before!, after!) * 100, 0);
    };
    has(endpoints, `instance and copy would take ${restForReduction()} s`);
    has(
      endpoints,
      `${saved("new")} % on a new instance and ${saved("available")} % on one with room`,
    );
  });

  it("lists the containers that SageMaker caches, and no others", () => {
    const rows = [...endpoints.matchAll(/^\| (\S+) \| ([\d.]+) \| `([^`]+)` \|$/gm)];
    assert.deepEqual(
      rows.map(([, ...cells]) => cells),
      cachedContainers.map((it) => [
        it.name,
        it.startingVersion,
        `${it.repository}:${it.startingTag}`,
      ]),
    );
  });
});

function page(path: string): string {
  return readFileSync(resolve(__dirname, "../..", path), "utf8");
}

function has(text: string, part: string): void {
  assert.ok(text.includes(part), part);
}

function number(value: number, decimals: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

function usd(value: number): string {
  return number(value, 2);
}

/** One decimal at most. */
function decimal(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Seconds as the plan rounds them, by high-resolution metrics. */
function seconds(changes: Partial<ScaleOut>): number {
  const pulled = { instance: "available", container: "pulled" } as const;
  return Math.round(scaleOutTime({ detection: "high-resolution", ...pulled, ...changes }).total);
}
