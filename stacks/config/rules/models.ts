import { targetGroupsPerForwardAction } from "../../../fleet/quotas";
import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";

/** Rules about a model and its units together. */
export function modelProblems(config: FleetConfig): Problem[] {
  return [
    ...Object.keys(config.models).flatMap((model) => unitsOfModelProblems(config, model)),
    ...routeProblems(config),
  ];
}

function unitsOfModelProblems(config: FleetConfig, model: string): Problem[] {
  const units = Object.entries(config.units).filter(([, unit]) => unit.model === model);
  const key = `models.${model}`;
  if (units.length === 0)
    return isQueued(config, model)
      ? []
      : [
          {
            key,
            value: model,
            allowed: "a model that a unit of `units` or a runtime of `async.runtimes` serves",
            reads: ["units", "async"],
          },
        ];
  if (units.length > targetGroupsPerForwardAction)
    return [
      {
        key: "units",
        value: units.map(([name]) => name),
        allowed: `${targetGroupsPerForwardAction} units of ${model} at most, the target groups that an Application Load Balancer forwards to in one action (a fixed quota)`,
      },
    ];
  if (units.every(([, unit]) => unit.weight === 0))
    return [
      {
        key: `units.${units[0]![0]}.weight`,
        value: 0,
        allowed: `a positive weight on one unit of ${model} at least: all are zero`,
        reads: units.map(([name]) => `units.${name}.weight`),
      },
    ];
  return [];
}

/** Whether a model is served through a queue, if not otherwise. */
function isQueued({ async: path }: FleetConfig, model: string): boolean {
  return path.enabled && Object.values(path.runtimes).some((runtime) => runtime.model === model);
}

/** Two models must not claim the same host and path. */
function routeProblems(config: FleetConfig): Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(config.models).flatMap(([name, model]) => {
    const hosts = model.hostnames.length === 0 ? ["any host"] : model.hostnames;
    return hosts.flatMap((host) => {
      const place = `${host} ${model.pathPrefix}`;
      const owner = owners.get(place);
      if (owner === undefined) {
        owners.set(place, name);
        return [];
      }
      return [
        {
          key: `models.${name}.pathPrefix`,
          value: model.pathPrefix,
          allowed: `another path or host than ${owner}'s, which is ${place}`,
          reads: [`models.${owner}`, `models.${name}.hostnames`],
        },
      ];
    });
  });
}
