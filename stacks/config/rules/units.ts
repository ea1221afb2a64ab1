import { FAILOVER_CONTROLLER } from "../../../contracts/failover";
import { serverSettingNames } from "../../../contracts/serverSettings";
import { accelerators } from "../../../fleet/accelerators";
import { measurement } from "../../../fleet/measurements";
import { pricePerHour } from "../../../fleet/prices";
import type { Problem } from "../errors";
import { nearest } from "../nearest";
import type { FleetConfig, UnitConfig } from "../schema";

/** Rules about single deployment units. */
export function unitProblems(config: FleetConfig, region: string): Problem[] {
  return Object.entries(config.units).flatMap(([name, unit]) => [
    ...identityProblems(config, name, unit),
    ...machineProblems(name, unit, region),
    ...boundsProblems(name, unit),
    ...nodeImageProblems(config, name, unit),
    ...settingProblems(name, unit),
  ]);
}

function identityProblems(config: FleetConfig, name: string, unit: UnitConfig): Problem[] {
  const key = `units.${name}`;
  const problems: Problem[] = [];
  if (config.models[unit.model] === undefined)
    problems.push(
      unknown(`${key}.model`, unit.model, "a model of `models`", Object.keys(config.models)),
    );
  if (config.models[name] !== undefined)
    problems.push({
      key,
      value: name,
      allowed: "a name that no model has: both name a Service",
    });
  if (/-(headroom|probe)$/.test(name))
    problems.push({
      key,
      value: name,
      allowed: "a name that does not end in -headroom or -probe, as the placeholders' do",
    });
  if (name === FAILOVER_CONTROLLER)
    problems.push({ key, value: name, allowed: "another name: it is the fail-over controller's" });
  const accelerator = accelerators[unit.accelerator];
  if (accelerator === undefined) {
    problems.push(
      unknown(
        `${key}.accelerator`,
        unit.accelerator,
        "an accelerator of the catalogue",
        Object.keys(accelerators),
      ),
    );
  } else if (!accelerator.frameworks.includes(unit.framework)) {
    problems.push({
      key: `${key}.framework`,
      value: unit.framework,
      allowed: `a framework that runs on ${unit.accelerator}: ${accelerator.frameworks.join(", ")}`,
      reads: [`${key}.accelerator`],
    });
  }
  if (unit.measurement === undefined && measurement(name) === undefined)
    problems.push({
      key: `${key}.measurement`,
      value: undefined,
      allowed:
        "`throughput` and `latencySeconds` at the breaking point, since the catalogue has none for this unit",
    });
  const known = measurement(name);
  if (
    known !== undefined &&
    unit.measurement === undefined &&
    (known.accelerator !== unit.accelerator || known.framework !== unit.framework)
  )
    problems.push({
      key: `${key}.measurement`,
      value: undefined,
      allowed: `a measurement of its own: the catalogue's ${name} is ${known.framework} on ${known.accelerator}`,
      reads: [`${key}.accelerator`, `${key}.framework`],
    });
  return problems;
}

function machineProblems(name: string, unit: UnitConfig, region: string): Problem[] {
  const key = `units.${name}`;
  const accelerator = accelerators[unit.accelerator];
  if (accelerator === undefined) return [];
  const sizes = Object.keys(accelerator.instanceTypes);
  const types = unit.instanceTypes ?? [accelerator.defaultInstanceType];
  return types.flatMap((type, index) => {
    const place =
      unit.instanceTypes === undefined ? `${key}.instanceTypes` : `${key}.instanceTypes[${index}]`;
    const size = accelerator.instanceTypes[type];
    if (size === undefined)
      return [unknown(place, type, `a size of ${unit.accelerator}`, sizes, [`${key}.accelerator`])];
    const problems: Problem[] = [];
    if (unit.devices > size.devices)
      problems.push({
        key: `${key}.devices`,
        value: unit.devices,
        allowed: `at most ${size.devices}, what a ${type} has`,
        reads: [place],
      });
    if (unit.pricePerHour === undefined && pricePerHour(type, region) === undefined)
      problems.push({
        key: `${key}.pricePerHour`,
        value: undefined,
        allowed: `US dollars an hour, since the catalogue has no price of ${type}`,
        reads: [place],
      });
    return problems;
  });
}

function boundsProblems(name: string, unit: UnitConfig): Problem[] {
  const key = `units.${name}`;
  const problems: Problem[] = [];
  if (unit.replicas.min > unit.replicas.max)
    problems.push({
      key: `${key}.replicas.min`,
      value: unit.replicas.min,
      allowed: `at most replicas.max, which is ${unit.replicas.max}`,
      reads: [`${key}.replicas.max`],
    });
  if (unit.headroom > unit.replicas.max)
    problems.push({
      key: `${key}.headroom`,
      value: unit.headroom,
      allowed: `at most replicas.max, which is ${unit.replicas.max}`,
      reads: [`${key}.replicas.max`],
    });
  const reserved = unit.capacityTypes.includes("reserved");
  if (reserved && unit.capacityReservationIds.length === 0)
    problems.push({
      key: `${key}.capacityReservationIds`,
      value: unit.capacityReservationIds,
      allowed: "one id at least, since `capacityTypes` has reserved",
      reads: [`${key}.capacityTypes`],
    });
  if (!reserved && unit.capacityReservationIds.length > 0)
    problems.push({
      key: `${key}.capacityTypes`,
      value: unit.capacityTypes,
      allowed: "a list with reserved, since `capacityReservationIds` are given",
      reads: [`${key}.capacityReservationIds`],
    });
  return problems;
}

/** The program's own settings hold the chain together: port, metric names, model path. */
function settingProblems(name: string, unit: UnitConfig): Problem[] {
  return serverSettingNames
    .filter((setting) => unit.env[setting] !== undefined)
    .map((setting) => ({
      key: `units.${name}.env.${setting}`,
      value: unit.env[setting],
      allowed: "nothing: the program sets it",
    }));
}

function nodeImageProblems({ nodes }: FleetConfig, name: string, unit: UnitConfig): Problem[] {
  if (unit.nodeImage !== "al2023" || nodes.al2023Version !== undefined) return [];
  return [
    {
      key: "nodes.al2023Version",
      value: undefined,
      allowed: `a pinned release, since units.${name} runs on AL2023`,
      reads: [`units.${name}.nodeImage`],
    },
  ];
}

function unknown(
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
