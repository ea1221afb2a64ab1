import { CompileJob } from "../components/compileJob";
import type { NodePool } from "../components/nodePool";
import type { Scope } from "../components/scope";
import type { Compilation } from "./compilations";
import type { FleetConfig } from "./config/schema";
import type { FleetNamespace } from "./fleetNamespace";
import type { ServerImages } from "./images";
import type { Platform } from "./platform";
import type { Storage } from "./storage";

export interface CompileJobsArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly compilations: readonly Compilation[];
  readonly platform: Platform;
  readonly storage: Storage;
  readonly images: ServerImages;
  readonly namespace: FleetNamespace;
  /** By compilation, among others. */
  readonly nodePools: ReadonlyMap<string, NodePool>;
}

/** Of a node's data volume, beside images and what the kubelet keeps for itself. */
const workShare = 0.6;

/** A Job for each artefact that is to be compiled, on a machine of its own. */
export function compileJobs({ compilations, ...args }: CompileJobsArgs): void {
  const { scope, platform, storage, namespace } = args;
  for (const compilation of compilations) {
    const { name, inputs } = compilation;
    new CompileJob(
      name,
      {
        scope,
        namespace: namespace.name,
        cluster: platform.cluster,
        inputs,
        sourcePath: compilation.sourcePath,
        artefactPath: compilation.artefactPath,
        store: storage.models,
        modelClaimName: namespace.models.claimName,
        workGiB: Math.floor(args.config.nodes.dataVolumeGiB * workShare),
        image: args.images.get(inputs.framework)!.reference,
        accelerator: compilation.accelerator,
        devices: compilation.config.devices,
        podResources: compilation.podResources,
      },
      {
        providers: platform.providers,
        dependsOn: [
          args.nodePools.get(name)!.resource,
          namespace.models.claim,
          ...platform.karpenter,
          ...platform.devicePlugins,
          ...platform.modelMounts,
        ],
      },
    );
  }
}
