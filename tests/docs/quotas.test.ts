import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { instanceType } from "../../fleet/accelerators";
import { type Manifest, manifests, planOf } from "../program/planned";

const page = readFileSync(resolve(__dirname, "../../docs/how-to/deploy-to-aws.md"), "utf8");

/** The families of a quota, as its row of the page names them. */
const quotas = { "Inf instances": ["inf"], "Trn instances": ["trn"], "G and VT": ["g"] } as const;

/** vCPUs that the page says are wanted, e.g. of `16 + 4`, for `dev` and `prod`. */
function told(quota: string): readonly number[] {
  const row = page.split("\n").find((line) => line.startsWith("| Running") && line.includes(quota));
  const cells = row?.split("|").slice(3, 5) ?? [];
  return cells.map((cell) => cell.split("+").reduce((sum, part) => sum + Number(part), 0));
}

/** vCPUs of the machines that a stack's NodePools may have at the same time. */
async function limits(stack: string, families: readonly string[]): Promise<number> {
  return manifests(await planOf(stack), "NodePool").reduce((sum, { spec }: Manifest) => {
    const { values } = spec.template.spec.requirements.find(
      ({ key }: Manifest) => key === "node.kubernetes.io/instance-type",
    );
    const type = instanceType(values[0])!;
    const isOurs = families.includes(/^[a-z]+/.exec(type.name)![0]);
    const [devices] = Object.values(spec.limits).map(Number);
    return isOurs ? sum + (devices! / type.devices) * type.vcpus : sum;
  }, 0);
}

describe("The quotas that the docs tell to ask for", () => {
  for (const [quota, families] of Object.entries(quotas))
    it(`are what the NodePools may use of ${quota}`, async () => {
      assert.deepEqual(told(quota), [
        await limits("dev", families),
        await limits("prod", families),
      ]);
    });
});
