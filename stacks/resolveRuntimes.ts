import type { QueueTimes } from "../fleet/queueing";
import type { RuntimeConfig } from "./config/async";
import type { FleetConfig } from "./config/schema";
import { type Machines, machinesOf } from "./machines";
import { runtimeTimes } from "./taskTimes";

/** A runtime of the asynchronous path with all that follows from its config. */
export interface ResolvedRuntime extends Machines {
  readonly name: string;
  readonly config: RuntimeConfig;
  /** Port that it listens on. */
  readonly port: number;
  readonly times: QueueTimes;
}

/** The runtimes that a valid config describes; none where the path is off. */
export function resolveRuntimes(
  { async: path }: FleetConfig,
  region: string,
): readonly ResolvedRuntime[] {
  if (!path.enabled) return [];
  return Object.entries(path.runtimes).map(([name, runtime]) => ({
    name,
    config: runtime,
    ...machinesOf(runtime, region),
    port: runtimePort(runtime),
    times: runtimeTimes(path, name),
  }));
}

/** Ports of runtimes whose config names none. */
const defaultPorts = { fleet: 8000, webui: 8080, comfyui: 8080 } as const;

/** Where a runtime listens. */
export function runtimePort({ adapter, port }: Pick<RuntimeConfig, "adapter" | "port">): number {
  return port ?? defaultPorts[adapter];
}
