import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  type Bill,
  type BillLine,
  imagesCost,
  millionImages,
  monthlyCost,
  requestsPerTask,
  type TaskLoad,
  type TaskMachine,
} from "../../fleet/asyncCost";
import {
  computedSum,
  guidancePerMillionImages,
  guidancePerMonth,
  guidancePrinted,
  guidanceSlips,
} from "../../fleet/guidanceCost";
import { measurements } from "../../fleet/measurements";
import { pricePerHour, spotPricePerHour } from "../../fleet/prices";
import { heartbeatSeconds } from "../../fleet/queueing";

const page = readFileSync(resolve(__dirname, "../../docs/costs.md"), "utf8");

const region = "us-west-2";
const type = "g5.xlarge";

const spot: TaskMachine = machine("spot", spotPricePerHour(type, region)!);
const onDemand: TaskMachine = machine("on demand", pricePerHour(type, region)!);

function machine(
  how: string,
  { usd, source }: { readonly usd: number; readonly source: string },
): TaskMachine {
  return { name: `${type}, ${how}`, pricePerHour: usd, source };
}

/** `dev`, of which a runtime has seven metrics and the API two. */
const month = monthlyCost({
  controlPlanes: 1,
  systemNodes: {
    instanceType: "m7i.large",
    count: 2,
    pricePerHour: pricePerHour("m7i.large", region)!.usd,
    source: pricePerHour("m7i.large", region)!.source,
  },
  natGateways: 1,
  keys: 1,
  publishers: 2,
  tableUsers: 2,
  metrics: 9,
});

const number = (value: number, decimals: number) =>
  value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });

const usd = (value: number) => number(value, 2);

/** The rows that the page has to have of a bill. */
function rowsOf(bill: Bill): string[] {
  return bill.lines.map(
    (line) =>
      `| ${line.service} | ${line.dimension} | ${quantity(line)} | ${price(line)} | ${usd(line.usd)} |`,
  );
}

function quantity({ quantity: value }: BillLine): string {
  return number(value, value < 10_000 && !Number.isInteger(value) ? 2 : 0);
}

function price({ unitPrice, per }: BillLine): string {
  return per === 1 ? `${unitPrice}` : `${unitPrice} / ${number(per, 0)}`;
}

const withLoad = (changes: Partial<TaskLoad>, on: TaskMachine) =>
  usd(imagesCost({ ...millionImages, ...changes }, on).usd);

const machineHours = (bill: Bill) => bill.lines[0]!.usd;

describe("The cost of tasks that the docs tell", () => {
  for (const [title, rows] of [
    ["images", rowsOf(imagesCost(millionImages, spot))],
    ["a month", rowsOf(month)],
  ] as const)
    it(`is the arithmetic's, for ${title}`, () => {
      for (const row of rows) assert.ok(page.includes(row), row);
    });

  it("tells the heartbeats and the lines of a task", () => {
    const { sqs, dynamoWrites } = requestsPerTask(millionImages);
    for (const text of [
      `On average that is ${number(sqs - 3, 3)} a task in SQS`,
      `${number(dynamoWrites - 3, 3)} in DynamoDB`,
      `${number((sqs - 3) * heartbeatSeconds, 1)} s, and`,
      `its claim is held for ${number((dynamoWrites - 3) * heartbeatSeconds, 1)} s`,
      `${millionImages.logKiB} KiB of lines a task`,
    ])
      assert.ok(page.includes(text), text);
  });

  it("has the guidance's sums, as printed and as they are", () => {
    const [sns, total] = guidanceSlips();
    for (const text of [
      `${usd(guidancePrinted.perMillionImages)} | ${usd(computedSum(guidancePerMillionImages))}`,
      `${usd(guidancePrinted.perMonth)} | ${usd(computedSum(guidancePerMonth))}`,
      `${usd(sns!.printed)} | ${usd(sns!.computed)}`,
      `${usd(total!.printed)} | ${usd(total!.computed)}`,
    ])
      assert.ok(page.includes(text), text);
  });

  it("compares what is the same in both, and what is not", () => {
    const bills = [imagesCost(millionImages, spot), imagesCost(millionImages, onDemand)];
    const theirs = computedSum(guidancePerMillionImages);
    const theirMachine = guidancePerMillionImages[0]!;
    const theirIdle = ((1_000_000 * 0.06) / 3600) * theirMachine.unitPrice;
    const { throughput } = measurements["sd21-g5-triton"]!;
    const faster = { secondsPerImage: 60 / throughput };
    for (const row of [
      ["machines", theirMachine.total, ...bills.map(machineHours)].map(cell),
      [
        "all that is paid by use",
        theirs - theirMachine.total,
        ...bills.map((bill) => bill.usd - machineHours(bill)),
      ].map(cell),
      ["**a million images**", theirs, ...bills.map((bill) => bill.usd)].map(cell),
      ["machines idle between tasks: 60 ms, 15 ms", theirIdle, ...bills.map(idleOf)].map(cell),
      [
        "at the throughput of `sd21-g5-triton`",
        "",
        withLoad(faster, spot),
        withLoad(faster, onDemand),
      ],
      ["a month without a task", computedSum(guidancePerMonth), month.usd, month.usd].map(cell),
    ])
      assert.ok(page.includes(`| ${row.join(" | ")} |`), row.join(" | "));
  });
});

function cell(value: string | number): string {
  return typeof value === "number" ? usd(value) : value;
}

function idleOf(bill: Bill): number {
  const [{ unitPrice }] = bill.lines as readonly [BillLine];
  return ((millionImages.images * millionImages.idleSecondsPerTask) / 3600) * unitPrice;
}
