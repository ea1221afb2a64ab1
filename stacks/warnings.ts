import type { FleetCost } from "../fleet/cost";
import { isCompiled, isNamed } from "./artefacts";
import { asyncWarnings } from "./asyncNotes";
import type { FleetConfig } from "./config/schema";
import { failoverWarnings } from "./failoverNotes";
import { hostedModels } from "./managedModels";
import type { ResolvedModel } from "./resolve";
import { needsCluster } from "./servingPaths";

/** What is allowed but worth a second look, in sentences for a person. */
export function warningsOf(
  config: FleetConfig,
  models: readonly ResolvedModel[],
  cost: FleetCost,
): readonly string[] {
  const warnings: string[] = [];
  for (const model of models) {
    const frameworks = [...new Set(model.units.map((unit) => unit.config.framework))];
    const missing = frameworks.filter((framework) => !isNamed(model.config, framework));
    if (missing.length > 0)
      warnings.push(
        `${model.name}: no artefact hash for ${missing.join(", ")} ` +
          `(models.${model.name}.artefacts): pods load whatever lies under ` +
          `${config.modelStore.prefix}${model.name}/FRAMEWORK/.`,
      );
    const compiled = frameworks.filter((framework) => isCompiled(model.config, framework));
    if (compiled.length > 0)
      warnings.push(
        `${model.name}: what ${compiled.join(", ")} loads is compiled by a Job, on a machine of its ` +
          "own for an hour or so; pods start when that has ended.",
      );
  }
  if (config.images.server.source !== "external")
    warnings.push(
      "images: built by `pulumi up`; their digests, which the pods name, are known after the build.",
    );
  else {
    const frameworks = new Set([
      ...Object.values(config.units).map((unit) => unit.framework),
      ...hostedModels(config)
        .filter(({ container }) => container === undefined)
        .map(({ framework }) => framework),
    ]);
    const byTag = [...frameworks].filter((f) => config.images.server.digests[f] === undefined);
    if (byTag.length > 0)
      warnings.push(
        `images: ${byTag.join(", ")} ${byTag.length === 1 ? "is" : "are"} pinned by the tag ` +
          `${config.images.server.tag}, not by digest (images.server.digests).`,
      );
  }
  const { network, cluster } = config;
  const onAl2023 = Object.entries(config.units).filter(([, unit]) => unit.nodeImage === "al2023");
  if (config.images.cache !== "none" && onAl2023.length > 0)
    warnings.push(
      `images: the cache is Bottlerocket's; ${onAl2023.map(([name]) => name).join(", ")} on AL2023 ` +
        "only get a faster volume.",
    );
  if (
    network.existing !== undefined &&
    (network.flowLogs.enabled ||
      network.interfaceEndpoints.length > 0 ||
      network.availabilityZones !== undefined)
  )
    warnings.push(
      "network: availabilityZones, interfaceEndpoints and flowLogs have no effect beside " +
        "network.existing.",
    );
  if (
    cluster.existing !== undefined &&
    (Object.keys(cluster.accessEntries).length > 0 ||
      cluster.publicAccessCidrs.length > 0 ||
      cluster.addons.cloudwatchObservability !== undefined)
  )
    warnings.push(
      "cluster: accessEntries, publicAccessCidrs and addons.cloudwatchObservability have no effect " +
        "beside cluster.existing.",
    );
  const ownCluster = cluster.existing === undefined && needsCluster(config);
  if (config.images.cache === "snapshot" && config.images.snapshot.id === undefined)
    warnings.push(
      "images: no snapshot is set yet (images.snapshot.id): nodes pull by SOCI until one is " +
        "published and taken.",
    );
  if (ownCluster && config.cluster.publicAccessCidrs.length === 0)
    warnings.push(
      "cluster: the API endpoint is private (cluster.publicAccessCidrs is empty): `pulumi up` must " +
        "run inside the VPC or a network connected to it.",
    );
  if (config.observability.alarmEmails.length === 0)
    warnings.push("observability: nobody is told of alarms (observability.alarmEmails is empty).");
  warnings.push(...failoverWarnings(config, models), ...asyncWarnings(config));
  if (cost.unpriced.length > 0)
    warnings.push(
      `cost: no price is known for ${cost.unpriced.join(", ")}; the sums leave it out.`,
    );
  else if (!cost.exact) {
    const foreign = cost.lines.filter(({ exact }) => !exact).map(({ name }) => name);
    warnings.push(
      `cost: of ${[...new Set(foreign)].join(", ")} only another region's price is known ` +
        "(fleet/prices.ts).",
    );
  }
  return warnings;
}
