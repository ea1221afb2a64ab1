import type { FleetCost } from "../fleet/cost";
import type { FleetConfig } from "./config/schema";
import type { ResolvedModel } from "./resolve";

/** What fail-over does and what its probes may cost; nothing where it is off. */
export function failoverNote({ failover }: FleetConfig, cost: FleetCost): string | undefined {
  if (!failover.enabled) return undefined;
  const { strategy, probeMinutes } = failover;
  const what = `Fail-over is on, by strategy ${strategy}`;
  if (probeMinutes === 0) return `${what}, without capacity probes.`;
  const lines = cost.lines.filter(({ kind }) => kind === "probe");
  const atMost = lines.reduce((sum, { usd }) => sum + usd.max, 0);
  return (
    `${what}: while a unit is sold out its probe may hold one machine for up to ` +
    `${probeMinutes} minutes, at most $${atMost.toFixed(2)} an hour for all units.`
  );
}

/** What to look at twice where fail-over is on. */
export function failoverWarnings(
  { failover }: FleetConfig,
  models: readonly ResolvedModel[],
): readonly string[] {
  if (!failover.enabled) return [];
  const { source, tag, digest } = failover.controller;
  const byTag = source === "external" && digest === undefined;
  return [
    ...(byTag
      ? [
          `images: the fail-over controller is pinned by the tag ${tag}, not by digest ` +
            "(failover.controller.digest). Push it first, else nobody fails over.",
        ]
      : []),
    ...models.flatMap((model) => modelWarnings(failover, model)),
  ];
}

function modelWarnings(
  { strategy }: FleetConfig["failover"],
  { name, mode, units }: ResolvedModel,
): readonly string[] {
  return [
    ...(units.length === 1
      ? [`fail-over: ${name} has one unit, so there is nowhere for its traffic to go.`]
      : []),
    ...(strategy === "reweight" && mode === "capacity"
      ? [
          `fail-over: failover.strategy is reweight, and ${name} is in capacity mode, where no ` +
            "unit has a weight: nothing is moved.",
        ]
      : []),
  ];
}
