import { accelerators, type InstanceType, instanceType } from "../fleet/accelerators";
import { listed } from "./listed";
import { containersOf } from "./pods";
import type { Resource } from "./resource";

/** Device resources, `aws.amazon.com/neuron`, on both sides: what pods ask for, what machines have. */

const devices = new Set<string>(Object.values(accelerators).map(({ device }) => device));

/** How many of each device one pod of a workload requests. */
export function podDevices(workload: Resource): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const { resources } of containersOf(workload)) {
    const asked = { ...resources?.limits, ...resources?.requests };
    for (const [name, quantity] of Object.entries(asked))
      if (devices.has(name) && Number(quantity) > 0)
        total[name] = (total[name] ?? 0) + Number(quantity);
  }
  return total;
}

/** The accelerated instance types that a NodePool may launch; none where it does not name any. */
export function instanceTypesOf(pool: Resource): readonly InstanceType[] {
  return namedTypes(pool).flatMap((name) => instanceType(name) ?? []);
}

/**
 * The devices of the machines that a NodePool launches, whichever of its instance types it is.
 *
 * @returns undefined where the pool names no instance type that this project knows
 */
export function suppliedDevices(pool: Resource): ReadonlySet<string> | undefined {
  const types = namedTypes(pool).map((name) => instanceType(name));
  if (types.length === 0 || types.includes(undefined)) return undefined;
  const [first = new Set<string>(), ...others] = types.map(
    (type) => new Set<string>([accelerators[type?.accelerator ?? ""]?.device ?? ""]),
  );
  return new Set([...first].filter((device) => others.every((it) => it.has(device))));
}

function namedTypes({ props }: Resource): readonly string[] {
  return listed(props.spec?.template?.spec?.requirements)
    .filter(({ key, operator }) => key === "node.kubernetes.io/instance-type" && operator === "In")
    .flatMap(({ values }) => listed<string>(values));
}
