import { targetGroupsPerForwardAction } from "../../../fleet/quotas";
import { hostedModels } from "../../managedModels";
import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";

/** Rules about a model and its units together. */
export function modelProblems(config: FleetConfig): Problem[] {
  return [
    ...Object.keys(config.models).flatMap((model) => unitsOfModelProblems(config, model)),
    ...routeProblems(config),
    ...Object.keys(config.models).flatMap((model) => compileProblems(config, model)),
  ];
}

/** What is compiled needs something that it is compiled from, and is not there already. */
function compileProblems({ models }: FleetConfig, name: string): Problem[] {
  const { artefacts, compile } = models[name]!;
  const frameworks = Object.keys(compile) as (keyof typeof compile)[];
  const key = `models.${name}.artefacts`;
  const doubled = frameworks
    .filter((framework) => artefacts[framework] !== undefined)
    .map((framework) => ({
      key: `${key}.${framework}`,
      value: artefacts[framework],
      allowed: `nothing beside models.${name}.compile.${framework}: what is named here is loaded, and nothing compiled`,
      reads: [`models.${name}.compile.${framework}`],
    }));
  if (frameworks.length === 0 || /^[0-9a-f]{16}$/.test(artefacts.cuda ?? "")) return doubled;
  return [
    ...doubled,
    {
      key: `${key}.cuda`,
      value: artefacts.cuda,
      allowed: `the 16 digits of the model's import for cuda, since models.${name}.compile.${frameworks[0]} compiles it`,
      reads: [`models.${name}.compile`],
    },
  ];
}

function unitsOfModelProblems(config: FleetConfig, model: string): Problem[] {
  const units = Object.entries(config.units).filter(([, unit]) => unit.model === model);
  const key = `models.${model}`;
  if (units.length === 0)
    return isQueued(config, model) || isHosted(config, model)
      ? []
      : [
          {
            key,
            value: model,
            allowed:
              "a model that a unit of `units`, a runtime of `async.runtimes` or an endpoint of `sagemaker` serves",
            reads: ["units", "async", "sagemaker"],
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

/** Whether a model is served by a managed endpoint, if not otherwise. */
function isHosted(config: FleetConfig, name: string): boolean {
  return hostedModels(config).some(({ model }) => model === name);
}

/** Two models must not claim the same host and path. */
function routeProblems(config: FleetConfig): Problem[] {
  const owners = new Map<string, string>();
  const routed = new Set(Object.values(config.units).map(({ model }) => model));
  return Object.entries(config.models).flatMap(([name, model]) => {
    if (!routed.has(name)) return [];
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
