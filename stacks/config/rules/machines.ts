import { accelerators } from "../../../fleet/accelerators";
import { pricePerHour } from "../../../fleet/prices";
import type { Problem } from "../errors";
import { nearest } from "../nearest";
import type { FleetConfig } from "../schema";
import type { MachineConfig } from "../units";

/**
 * Rules about the machines of a unit or runtime.
 *
 * @param key where its config stands, e.g. `units.sd21-inf2-neuron`
 */
export function machineProblems(
  config: FleetConfig,
  key: string,
  machine: MachineConfig,
  region: string,
): Problem[] {
  return [
    ...acceleratorProblems(key, machine),
    ...sizeProblems(key, machine, region),
    ...reservationProblems(key, machine),
    ...nodeImageProblems(config, key, machine),
  ];
}

function acceleratorProblems(key: string, machine: MachineConfig): Problem[] {
  const accelerator = accelerators[machine.accelerator];
  if (accelerator === undefined)
    return [
      unknown(
        `${key}.accelerator`,
        machine.accelerator,
        "an accelerator of the catalogue",
        Object.keys(accelerators),
      ),
    ];
  return frameworkProblems(key, machine);
}

/** The framework does not run on the accelerator, which the catalogue has. */
export function frameworkProblems(
  key: string,
  machine: Pick<MachineConfig, "accelerator" | "framework">,
): Problem[] {
  const { frameworks } = accelerators[machine.accelerator]!;
  if (frameworks.includes(machine.framework)) return [];
  return [
    {
      key: `${key}.framework`,
      value: machine.framework,
      allowed: `a framework that runs on ${machine.accelerator}: ${frameworks.join(", ")}`,
      reads: [`${key}.accelerator`],
    },
  ];
}

function sizeProblems(key: string, machine: MachineConfig, region: string): Problem[] {
  const accelerator = accelerators[machine.accelerator];
  if (accelerator === undefined) return [];
  const sizes = Object.keys(accelerator.instanceTypes);
  const types = machine.instanceTypes ?? [accelerator.defaultInstanceType];
  return types.flatMap((type, index) => {
    const place =
      machine.instanceTypes === undefined
        ? `${key}.instanceTypes`
        : `${key}.instanceTypes[${index}]`;
    const size = accelerator.instanceTypes[type];
    if (size === undefined)
      return [
        unknown(place, type, `a size of ${machine.accelerator}`, sizes, [`${key}.accelerator`]),
      ];
    const problems: Problem[] = [];
    if (machine.devices > size.devices)
      problems.push({
        key: `${key}.devices`,
        value: machine.devices,
        allowed: `at most ${size.devices}, what a ${type} has`,
        reads: [place],
      });
    if (machine.pricePerHour === undefined && pricePerHour(type, region) === undefined)
      problems.push({
        key: `${key}.pricePerHour`,
        value: undefined,
        allowed: `US dollars an hour, since the catalogue has no price of ${type}`,
        reads: [place],
      });
    return problems;
  });
}

function reservationProblems(key: string, machine: MachineConfig): Problem[] {
  const reserved = machine.capacityTypes.includes("reserved");
  if (reserved && machine.capacityReservationIds.length === 0)
    return [
      {
        key: `${key}.capacityReservationIds`,
        value: machine.capacityReservationIds,
        allowed: "one id at least, since `capacityTypes` has reserved",
        reads: [`${key}.capacityTypes`],
      },
    ];
  if (!reserved && machine.capacityReservationIds.length > 0)
    return [
      {
        key: `${key}.capacityTypes`,
        value: machine.capacityTypes,
        allowed: "a list with reserved, since `capacityReservationIds` are given",
        reads: [`${key}.capacityReservationIds`],
      },
    ];
  return [];
}

function nodeImageProblems({ nodes }: FleetConfig, key: string, machine: MachineConfig): Problem[] {
  if (machine.nodeImage !== "al2023" || nodes.al2023Version !== undefined) return [];
  return [
    {
      key: "nodes.al2023Version",
      value: undefined,
      allowed: `a pinned release, since ${key} runs on AL2023`,
      reads: [`${key}.nodeImage`],
    },
  ];
}

/**
 * The autoscaler's bounds are the wrong way round.
 *
 * @param what is scaled, by its key: `replicas`, `instances`, `copies`
 */
export function boundProblems(
  key: string,
  what: string,
  { min, max }: { readonly min: number; readonly max: number },
): Problem[] {
  if (min <= max) return [];
  return [
    {
      key: `${key}.${what}.min`,
      value: min,
      allowed: `at most ${what}.max, which is ${max}`,
      reads: [`${key}.${what}.max`],
    },
  ];
}

/** Variables that the program sets: they hold the chain together. */
export function settingProblems(
  key: string,
  env: Readonly<Record<string, string>>,
  own: readonly string[],
): Problem[] {
  return own
    .filter((setting) => env[setting] !== undefined)
    .map((setting) => ({
      key: `${key}.env.${setting}`,
      value: env[setting],
      allowed: "nothing: the program sets it",
    }));
}

/** A name that is none of those that there are. */
export function unknown(
  key: string,
  value: string,
  what: string,
  known: readonly string[],
  reads?: readonly string[],
): Problem {
  const near = nearest(value, known);
  return {
    key,
    value,
    allowed: `${what}: ${known.join(", ")}`,
    ...(near === undefined ? {} : { nearest: near }),
    ...(reads === undefined ? {} : { reads }),
  };
}
