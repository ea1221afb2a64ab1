import type { AsyncEndpointConfig } from "./config/sagemaker";
import type { FleetConfig } from "./config/schema";

/** A model on a managed endpoint, as far as what it loads and runs goes. */
export interface HostedConfig
  extends Pick<AsyncEndpointConfig, "model" | "framework" | "container" | "artefact" | "env"> {
  /** Where its config stands, e.g. `sagemaker.asyncEndpoints.campaign`. */
  readonly key: string;
  readonly accelerator: string;
}

/** The models of all managed endpoints; none where that path is off. */
export function hostedModels({ sagemaker }: Pick<FleetConfig, "sagemaker">): HostedConfig[] {
  return sagemaker.enabled ? configuredModels(sagemaker) : [];
}

/** The same, whether or not the path is on. */
export function configuredModels(sagemaker: FleetConfig["sagemaker"]): HostedConfig[] {
  const { asyncEndpoints, variantEndpoints, componentEndpoints } = sagemaker;
  return [
    ...Object.entries(asyncEndpoints).map(([name, endpoint]) => ({
      ...endpoint,
      key: `sagemaker.asyncEndpoints.${name}`,
    })),
    ...Object.entries(variantEndpoints).map(([name, endpoint]) => ({
      ...endpoint,
      key: `sagemaker.variantEndpoints.${name}`,
    })),
    ...Object.entries(componentEndpoints).flatMap(([name, { accelerator, components }]) =>
      Object.entries(components).map(([component, hosted]) => ({
        ...hosted,
        accelerator,
        key: `sagemaker.componentEndpoints.${name}.components.${component}`,
      })),
    ),
  ];
}
