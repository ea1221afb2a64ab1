import { cachedContainer, nearestCachedContainer, startingImage } from "../fleet/cachedContainers";
import { scaleOutTime } from "../fleet/scaleOutTime";
import { isCompiled, isNamed } from "./artefacts";
import type { FleetConfig } from "./config/schema";
import { type HostedConfig, hostedModels } from "./managedModels";
import type { ResolvedComponent, ResolvedEndpoints } from "./resolveEndpoints";
import { needsCluster } from "./servingPaths";

/** What to look at twice where SageMaker serves. */
export function endpointWarnings(
  config: FleetConfig,
  endpoints: ResolvedEndpoints,
  region: string,
): readonly string[] {
  const { sagemaker } = config;
  if (!sagemaker.enabled) return [];
  return [
    ...cacheWarnings(endpoints, region),
    ...copyWarnings(endpoints),
    ...hostedModels(config).flatMap((hosted) => artefactWarnings(config, hosted)),
    ...(sagemaker.isolateContainers || sagemaker.vpcOnly
      ? []
      : [
          "sagemaker: containers reach the Internet, as neither sagemaker.isolateContainers nor " +
            "sagemaker.vpcOnly is set.",
        ]),
    ...(sagemaker.vpcOnly && config.network.existing !== undefined
      ? [
          "sagemaker: network.existing has to have a way to S3 from its private subnets, by a gateway " +
            "endpoint at best: without one no model arrives, and endpoints fail after startupSeconds.",
        ]
      : []),
    ...keyWarnings(sagemaker, endpoints),
  ];
}

/** One warning for each image, whoever runs it. */
function cacheWarnings({ shared }: ResolvedEndpoints, region: string): readonly string[] {
  const pulled = shared
    .flatMap(({ components }) => components)
    .filter(({ hosting }) => hosting.containerState === "pulled");
  const images = new Map<string, ResolvedComponent[]>();
  for (const component of pulled) {
    const { container, framework } = component.hosting;
    const image = container ?? `the server's own image for ${framework}`;
    images.set(image, [...(images.get(image) ?? []), component]);
  }
  return [...images].map(([image, components]) => {
    const { container, framework } = components[0]!.hosting;
    const device = framework === "neuron" ? "neuron" : "gpu";
    const near = nearestCachedContainer(container ?? { device, framework });
    const seconds = (instance: "new" | "available", state: "pulled" | "cached") =>
      Math.round(scaleOutTime({ detection: "high-resolution", instance, container: state }).total);
    return (
      `${components.map(({ name }) => name).join(", ")}: SageMaker does not keep ${image} on its ` +
      `instances, so another copy takes ${seconds("available", "pulled")} s instead of ` +
      `${seconds("available", "cached")}, ${seconds("new", "pulled")} instead of ` +
      `${seconds("new", "cached")} on a new instance (measured for another model: docs/operations/managed-endpoints.md). ` +
      (framework === "cuda"
        ? `The nearest that it keeps: ${startingImage(near.container, region)} (fleet model pack).`
        : `Of those that it keeps, none has what our server needs for ${framework}.`)
    );
  });
}

/** More copies than there are devices for come to nothing. */
function copyWarnings({ shared }: ResolvedEndpoints): readonly string[] {
  return shared.flatMap(({ name, config, machines, components }) => {
    const devices = config.instances.max * machines.type.instance.devices;
    const wanted = components.reduce(
      (sum, component) => sum + component.config.copies.max * component.config.devices,
      0,
    );
    if (wanted <= devices) return [];
    return [
      `${name}: its components may want ${wanted} devices, and ${config.instances.max} × ${machines.type.name} ` +
        `have ${devices}: not all of them get their most at once.`,
    ];
  });
}

function artefactWarnings(config: FleetConfig, hosted: HostedConfig): readonly string[] {
  const { key, model, framework, container, artefact } = hosted;
  const { modelStore, models } = config;
  const isCached = container !== undefined && cachedContainer(container) !== undefined;
  if (artefact !== undefined) return [];
  if (!isCached && !isNamed(models[model]!, framework))
    return [
      `${key}: no artefact hash for ${framework} (models.${model}.artefacts): SageMaker loads ` +
        `whatever lies under ${modelStore.prefix}${model}/${framework}/.`,
    ];
  return [
    ...(isCompiled(models[model]!, framework) && !needsCluster(config)
      ? [
          `${key}: what it loads is compiled by a Job on a cluster, and this stack has none: let ` +
            "another stack compile it into the same model store first.",
        ]
      : []),
    ...(isCached
      ? [
          `${key}: the container has no server of ours in it; fleet model pack makes an artefact that ` +
            `brings it along (${key}.artefact).`,
        ]
      : []),
  ];
}

function keyWarnings(
  { kmsKeyArn }: FleetConfig["sagemaker"],
  endpoints: ResolvedEndpoints,
): readonly string[] {
  if (kmsKeyArn === undefined) return [];
  const local = Object.values(endpoints)
    .flat()
    .filter(({ machines }) => machines.type.hasLocalStorage);
  if (local.length === 0) return [];
  return [
    `sagemaker: sagemaker.kmsKeyArn does not encrypt the disks of ${local.map(({ name, machines }) => `${name} (${machines.type.name})`).join(", ")}: they are in the machine, whose hardware encrypts them with a key of its own.`,
  ];
}
