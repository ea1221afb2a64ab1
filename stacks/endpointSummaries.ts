import { type ContainerState, type Detection, scaleOutTime } from "../fleet/scaleOutTime";
import type { ConcurrencyScalingConfig } from "./config/sagemaker";
import type {
  ResolvedAsyncEndpoint,
  ResolvedComponent,
  ResolvedComponentEndpoint,
  ResolvedEndpoints,
  ResolvedVariantEndpoint,
} from "./resolveEndpoints";

export type EndpointKind = "asynchronous" | "variant" | "instances" | "component";

/** A managed endpoint, or an inference component on one, as a person wants to see it. */
export interface EndpointSummary {
  readonly endpoint: string;
  /** `instances`: those under the components that follow it. */
  readonly kind: EndpointKind;
  /** What it serves. */
  readonly model?: string;
  readonly instanceType: string;
  /** Instances, or copies of a component. */
  readonly min: number;
  readonly max: number;
  /** What it scales by, with the target. */
  readonly scalesBy: string;
  /**
   * Seconds from more requests to what serves them, by the seeds' measurements
   * (fleet/scaleOutTime.ts), which are of a language model of 70 billion parameters.
   */
  readonly scaleOutSeconds?: { readonly newInstance: number; readonly available?: number };
  /** US dollars an hour for one instance. */
  readonly pricePerHour?: number;
}

/** All endpoints, each followed by its components. */
export function endpointSummaries(endpoints: ResolvedEndpoints): readonly EndpointSummary[] {
  return [
    ...endpoints.asynchronous.map(asyncSummary),
    ...endpoints.variants.map(variantSummary),
    ...endpoints.shared.flatMap(sharedSummaries),
  ];
}

function asyncSummary(endpoint: ResolvedAsyncEndpoint): EndpointSummary {
  const { scaling, instances } = endpoint.config;
  return {
    ...machineSummary(endpoint),
    kind: "asynchronous",
    model: endpoint.hosting.model,
    ...instances,
    scalesBy: `usage ${scaling.usageTarget}`,
    // Its metric comes once a minute.
    scaleOutSeconds: { newInstance: total("standard", "new", endpoint.hosting.containerState) },
  };
}

function variantSummary(endpoint: ResolvedVariantEndpoint): EndpointSummary {
  const { scaling, instances } = endpoint.config;
  const { model, containerState } = endpoint.hosting;
  return {
    ...machineSummary(endpoint),
    kind: "variant",
    model,
    ...instances,
    scalesBy: concurrency(scaling),
    scaleOutSeconds: { newInstance: total("high-resolution", "new", containerState) },
  };
}

function sharedSummaries(endpoint: ResolvedComponentEndpoint): readonly EndpointSummary[] {
  const machine = machineSummary(endpoint);
  return [
    { ...machine, kind: "instances", ...endpoint.config.instances, scalesBy: "its copies" },
    ...endpoint.components.map((component) =>
      componentSummary(endpoint.name, machine.instanceType, component),
    ),
  ];
}

function componentSummary(
  endpoint: string,
  instanceType: string,
  { name, config, hosting }: ResolvedComponent,
): EndpointSummary {
  const { containerState } = hosting;
  return {
    endpoint: `${endpoint}/${name}`,
    kind: "component",
    model: hosting.model,
    instanceType,
    ...config.copies,
    scalesBy: concurrency(config.scaling),
    scaleOutSeconds: {
      newInstance: total("high-resolution", "new", containerState),
      available: total("high-resolution", "available", containerState),
    },
  };
}

function machineSummary({
  name,
  machines,
}: Pick<ResolvedVariantEndpoint, "name" | "machines">): Pick<
  EndpointSummary,
  "endpoint" | "instanceType" | "pricePerHour"
> & { readonly instanceType: string } {
  return {
    endpoint: name,
    instanceType: machines.type.name,
    pricePerHour: machines.pricePerHour,
  };
}

function concurrency({ policy, target, invocationsPerMinute }: ConcurrencyScalingConfig): string {
  const invocations = policy === "hybrid" ? `, ${invocationsPerMinute}/min` : "";
  return `${target} in flight${invocations}${policy === "step" ? ", by steps" : ""}`;
}

function total(detection: Detection, instance: "new" | "available", container: ContainerState) {
  return Math.round(scaleOutTime({ detection, instance, container }).total);
}
