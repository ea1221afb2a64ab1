import { FAILOVER_CONTROLLER } from "../../../contracts/failover";
import { serverSettingNames } from "../../../contracts/serverSettings";
import { measurement } from "../../../fleet/measurements";
import type { Problem } from "../errors";
import type { FleetConfig, UnitConfig } from "../schema";
import { boundProblems, machineProblems, settingProblems, unknown } from "./machines";

/** Rules about single deployment units. */
export function unitProblems(config: FleetConfig, region: string): Problem[] {
  return Object.entries(config.units).flatMap(([name, unit]) => {
    const key = `units.${name}`;
    return [
      ...identityProblems(config, name, unit),
      ...machineProblems(config, key, unit, region),
      ...boundProblems(key, "replicas", unit.replicas),
      ...headroomProblems(key, unit),
      ...settingProblems(key, unit.env, serverSettingNames),
    ];
  });
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
  if (/^compile-/.test(name))
    problems.push({
      key,
      value: name,
      allowed: "a name that does not begin with compile-, as those of what compiles do",
    });
  if (/-(headroom|probe)$/.test(name))
    problems.push({
      key,
      value: name,
      allowed: "a name that does not end in -headroom or -probe, as the placeholders' do",
    });
  if (name === FAILOVER_CONTROLLER)
    problems.push({ key, value: name, allowed: "another name: it is the fail-over controller's" });
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

function headroomProblems(key: string, unit: UnitConfig): Problem[] {
  if (unit.headroom <= unit.replicas.max) return [];
  return [
    {
      key: `${key}.headroom`,
      value: unit.headroom,
      allowed: `at most replicas.max, which is ${unit.replicas.max}`,
      reads: [`${key}.replicas.max`],
    },
  ];
}
