import { UserError } from "../../contracts/userError";
import { accelerators } from "../../fleet/accelerators";
import { nearest } from "../../stacks/config/nearest";
import { unitSchema } from "../../stacks/config/units";
import { machinesOf } from "../../stacks/machines";
import { readStackConfig } from "../plan/stackConfig";

/** What a stack's config and the catalogue say of a unit that is to be profiled. */
export interface ConfiguredUnit {
  readonly name: string;
  readonly stack: string;
  /** The cheapest that may be launched, which the price is of. */
  readonly instanceType: string;
  /** US dollars an hour for one replica: its share of the machine. Absent: no price is known. */
  readonly pricePerHour?: number;
}

/**
 * Reads one unit. The rest of the config is not judged: a unit that nobody has measured makes a
 * config incomplete, and is what a profile is for.
 *
 * @throws UserError when there is no such stack or unit, or the unit's config is wrong
 */
export function configuredUnit(root: string, stack: string, name: string): ConfiguredUnit {
  const { project, values } = readStackConfig(root, stack);
  const units = entriesOf(values[`${project}:units`]);
  const names = Object.keys(units);
  if (!Object.hasOwn(units, name)) {
    const near = nearest(name, names);
    throw new UserError(
      `--unit ${name}: stack ${stack} has none of this name; its units are ${names.join(", ") || "none yet"}.` +
        (near === undefined ? "" : ` Did you mean "${near}"?`),
    );
  }
  const parsed = unitSchema.safeParse(units[name]);
  const wrong = parsed.success ? unknownMachine(parsed.data) : parsed.error.issues[0]?.message;
  if (!parsed.success || wrong !== undefined)
    throw new UserError(
      `--unit ${name}: its config in stack ${stack} is wrong: ${wrong}. \`fleet plan --stack ${stack}\` says all of it.`,
    );
  const { pricePerHour, instanceTypes } = machinesOf(parsed.data, regionOf(values["aws:region"]));
  return {
    name,
    stack,
    instanceType: instanceTypes[0]!.name,
    ...(Number.isFinite(pricePerHour) && { pricePerHour }),
  };
}

function unknownMachine(unit: {
  readonly accelerator: string;
  readonly instanceTypes?: readonly string[] | undefined;
}): string | undefined {
  if (!Object.hasOwn(accelerators, unit.accelerator))
    return `there is no accelerator ${unit.accelerator}`;
  const known = accelerators[unit.accelerator]!.instanceTypes;
  const unknown = (unit.instanceTypes ?? []).find((type) => !Object.hasOwn(known, type));
  return unknown && `${unit.accelerator} has no size ${unknown}`;
}

function entriesOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function regionOf(value: unknown): string {
  return typeof value === "string" ? value : "us-west-2";
}
