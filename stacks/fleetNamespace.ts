import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { ModelVolume } from "../components/modelVolume";
import type { Scope } from "../components/scope";
import { labels } from "../contracts/labels";
import type { FleetConfig } from "./config/schema";
import type { Platform } from "./platform";
import type { Storage } from "./storage";

export interface FleetNamespaceArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly platform: Platform;
  readonly storage: Storage;
}

/** Where the pods of all serving paths are, and the model store that they mount. */
export interface FleetNamespace {
  readonly name: pulumi.Output<string>;
  readonly models: ModelVolume;
}

/** The namespace that all serving paths share, with one volume of the model store in it. */
export function fleetNamespace(args: FleetNamespaceArgs): FleetNamespace {
  const name = createNamespace(args);
  return { name, models: createModelVolume(args, name) };
}

/**
 * The namespace's name, known even in the preview of a cluster that is yet to be made: only the URN
 * is made of what is known, and what is computed from it still waits for the namespace.
 */
function createNamespace({ config, platform }: FleetNamespaceArgs): pulumi.Output<string> {
  const { namespace: name } = config;
  const namespace = new kubernetes.core.v1.Namespace(
    "fleet",
    {
      metadata: {
        name,
        labels: labels(name, {
          "pod-security.kubernetes.io/enforce": "restricted",
          "pod-security.kubernetes.io/warn": "restricted",
        }),
      },
    },
    { provider: platform.providers.kubernetes },
  );
  return namespace.urn.apply(() => name);
}

function createModelVolume(
  { scope, config, platform, storage }: FleetNamespaceArgs,
  namespace: pulumi.Output<string>,
): ModelVolume {
  return new ModelVolume(
    "models",
    {
      scope,
      namespace,
      bucketName: storage.models.bucketName,
      bucketKey: config.modelStore.existingBucket ?? "own",
      prefix: storage.models.prefix,
    },
    { providers: platform.providers, dependsOn: platform.modelMounts },
  );
}
