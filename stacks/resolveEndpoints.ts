import { artefactPath } from "../contracts/serverSettings";
import type { Framework } from "../fleet/accelerators";
import { cachedContainer } from "../fleet/cachedContainers";
import {
  copyResources,
  defaultAsyncType,
  type ManagedInstanceType,
  managedInstanceType,
  managedInstanceTypesOf,
} from "../fleet/managedInstances";
import { managedPricePerHour } from "../fleet/managedPrices";
import type { ContainerState } from "../fleet/scaleOutTime";
import { artefactOf } from "./artefacts";
import type {
  AsyncEndpointConfig,
  ComponentEndpointConfig,
  InferenceComponentConfig,
  VariantEndpointConfig,
} from "./config/sagemaker";
import type { FleetConfig } from "./config/schema";

/** The instances of an endpoint. */
export interface ManagedMachines {
  readonly type: ManagedInstanceType;
  /** US dollars an hour for one instance. */
  readonly pricePerHour: number;
  readonly startupSeconds: number;
}

/** A model on an endpoint, and what it runs in. */
export interface ResolvedHosting {
  readonly model: string;
  readonly framework: Framework;
  /** Below the model store's prefix. */
  readonly artefactPath: string;
  /** Of the config; absent: the server's own image. */
  readonly container: string | undefined;
  readonly containerState: ContainerState;
  readonly safetyChecker: boolean;
  readonly env: Readonly<Record<string, string>>;
}

interface Resolved<Config> {
  readonly name: string;
  readonly config: Config;
  readonly machines: ManagedMachines;
}

export interface ResolvedAsyncEndpoint extends Resolved<AsyncEndpointConfig> {
  readonly hosting: ResolvedHosting;
  /** Requests that an instance gets at once. */
  readonly concurrency: number;
}

export interface ResolvedVariantEndpoint extends Resolved<VariantEndpointConfig> {
  readonly hosting: ResolvedHosting;
}

export interface ResolvedComponent {
  readonly name: string;
  readonly config: InferenceComponentConfig;
  readonly hosting: ResolvedHosting;
  /** Of one copy. */
  readonly vcpus: number;
  readonly memoryMiB: number;
}

export interface ResolvedComponentEndpoint extends Resolved<ComponentEndpointConfig> {
  readonly components: readonly ResolvedComponent[];
}

/** The managed endpoints of an environment, by kind. */
export interface ResolvedEndpoints {
  readonly asynchronous: readonly ResolvedAsyncEndpoint[];
  readonly variants: readonly ResolvedVariantEndpoint[];
  readonly shared: readonly ResolvedComponentEndpoint[];
}

/** The managed endpoints that a valid config describes; none where the path is off. */
export function resolveEndpoints(config: FleetConfig, region: string): ResolvedEndpoints {
  const { sagemaker } = config;
  if (!sagemaker.enabled) return { asynchronous: [], variants: [], shared: [] };
  const { asyncEndpoints, variantEndpoints, componentEndpoints } = sagemaker;
  const { models } = config;
  return {
    asynchronous: Object.entries(asyncEndpoints).map(([name, endpoint]) => {
      const { instanceType = defaultAsyncType(endpoint.accelerator) } = endpoint;
      const machines = machinesOf({ ...endpoint, instanceType }, region);
      const concurrency = endpoint.concurrency ?? machines.type.instance.devices;
      const hosting = hostingOf(models, endpoint, endpoint.accelerator, false);
      return { name, config: endpoint, machines, hosting, concurrency };
    }),
    variants: Object.entries(variantEndpoints).map(([name, endpoint]) => ({
      name,
      config: endpoint,
      machines: machinesOf(endpoint, region),
      hosting: hostingOf(models, endpoint, endpoint.accelerator, false),
    })),
    shared: Object.entries(componentEndpoints).map(([name, endpoint]) => {
      const machines = machinesOf(endpoint, region);
      return {
        name,
        config: endpoint,
        machines,
        components: Object.entries(endpoint.components).map(([component, wanted]) => ({
          name: component,
          config: wanted,
          hosting: hostingOf(models, wanted, endpoint.accelerator, true),
          ...copyResources(machines.type, wanted),
        })),
      };
    }),
  };
}

function machinesOf(
  {
    accelerator,
    instanceType,
    pricePerHour,
    startupSeconds,
  }: Pick<
    VariantEndpointConfig,
    "accelerator" | "instanceType" | "pricePerHour" | "startupSeconds"
  >,
  region: string,
): ManagedMachines {
  const type = managedInstanceType(instanceType ?? managedInstanceTypesOf(accelerator)[0]!)!;
  // A rule of the config has it that one of the two is known.
  const usd = pricePerHour ?? managedPricePerHour(type.name, region)!.usd;
  return { type, pricePerHour: usd, startupSeconds };
}

/** @param caches whether SageMaker keeps containers for this kind of endpoint: under components only */
function hostingOf(
  models: FleetConfig["models"],
  {
    model,
    framework,
    container,
    artefact,
    env,
  }: Pick<InferenceComponentConfig, "model" | "framework" | "container" | "artefact" | "env">,
  accelerator: string,
  caches: boolean,
): ResolvedHosting {
  const isCached = caches && container !== undefined && cachedContainer(container) !== undefined;
  return {
    model,
    framework,
    artefactPath:
      artefact === undefined
        ? artefactOf(models, model, framework, accelerator).path
        : artefactPath(model, framework, artefact),
    container,
    containerState: isCached ? "cached" : "pulled",
    safetyChecker: models[model]!.safetyChecker,
    env,
  };
}
