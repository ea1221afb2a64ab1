import type { AlarmTopic } from "../components/alarmTopic";
import type { Scope } from "../components/scope";
import { asyncRuntimes } from "./asyncRuntimes";
import type { Compilation } from "./compilations";
import { compileJobs } from "./compileJobs";
import type { FleetConfig } from "./config/schema";
import { failover } from "./failover";
import { fleetNamespace } from "./fleetNamespace";
import type { Images } from "./images";
import { nodePools } from "./nodes";
import type { Platform } from "./platform";
import { realtime } from "./realtime";
import type { ResolvedModel } from "./resolve";
import type { ResolvedRuntime } from "./resolveRuntimes";
import { servesRealtime } from "./servingPaths";
import type { Storage } from "./storage";
import type { TaskPipeline } from "./taskPipeline";

export interface OnClusterArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly models: readonly ResolvedModel[];
  readonly runtimes: readonly ResolvedRuntime[];
  readonly compilations: readonly Compilation[];
  readonly platform: Platform;
  readonly storage: Storage;
  readonly images: Images;
  /** Absent: the asynchronous path is off. */
  readonly pipeline: TaskPipeline | undefined;
  readonly topic: AlarmTopic;
  /** Keys of the config with something encrypted in them. */
  readonly secretKeys: ReadonlySet<string>;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the realtime and the asynchronous path have on the cluster, and what compiles for them. */
export function onCluster(args: OnClusterArgs): { readonly loadBalancerName: string | undefined } {
  const { config, secretKeys } = args;
  const namespace = fleetNamespace(args);
  const shared = { ...args, namespace, nodePools: nodePools(args) };
  compileJobs({ ...shared, images: args.images.servers });
  const serving = servesRealtime(config)
    ? realtime({
        ...shared,
        images: args.images.servers,
        secretSettings: secretKeys.has("units"),
      })
    : undefined;
  if (config.failover.enabled && serving !== undefined)
    failover({ ...shared, realtime: serving, image: args.images.failoverController! });
  if (args.pipeline !== undefined)
    asyncRuntimes({
      ...shared,
      pipeline: args.pipeline,
      secretSettings: secretKeys.has("async"),
    });
  return { loadBalancerName: serving?.gateway.loadBalancerName };
}
