import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ssmDocument } from "../fleet/names";
import {
  type CacheMachineArgs,
  createLaunchTemplate,
  createMachineRole,
} from "./imageCacheMachine";
import { type CacheRunArgs, createDocument, createRunRole, NO_SNAPSHOT } from "./imageCacheRun";
import {
  type CacheTriggerArgs,
  createPushRule,
  createStartRole,
  startOnPush,
  startOnSchedule,
  tellOfFailures,
} from "./imageCacheTriggers";
import { nameIn } from "./scope";

export interface ImageCacheArgs extends CacheMachineArgs, CacheRunArgs, CacheTriggerArgs {}

/**
 * Makes snapshots of a Bottlerocket data volume with the fleet's images on it: on a schedule and
 * when an image is pushed. The newest one's id is published in an SSM parameter; nodes take it when
 * the config names it, because that replaces them.
 */
export class ImageCache extends pulumi.ComponentResource {
  /** The automation, for `aws ssm start-automation-execution`. */
  readonly documentName: string;
  /** The SSM parameter that holds the id of the newest snapshot, or {@link NO_SNAPSHOT}. */
  readonly parameterName: string;

  constructor(name: string, args: ImageCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ImageCache", name, {}, opts);
    const inside = { parent: this };
    this.documentName = nameIn(args.scope, name, ssmDocument);
    this.parameterName = `/${args.scope.project}/${args.scope.stack}/${name}/snapshot-id`;

    const parameter = createParameter(name, this.parameterName, inside);
    const machineRole = createMachineRole(name, args, inside);
    const launchTemplate = createLaunchTemplate(name, args, machineRole, inside);
    const runRole = createRunRole(name, args, { parameter, machineRole, launchTemplate }, inside);
    const document = createDocument(name, args, this, { runRole, launchTemplate }, inside);
    const pushes = createPushRule(name, args, inside);
    const startRole = createStartRole(name, args, { document, runRole, pushes }, inside);
    startOnSchedule(name, args, document, startRole, inside);
    startOnPush(name, args, document, startRole, pushes, inside);
    tellOfFailures(name, args, document, inside);
    this.registerOutputs({});
  }
}

function createParameter(name: string, parameterName: string, opts: pulumi.ResourceOptions) {
  return new aws.ssm.Parameter(
    name,
    {
      name: parameterName,
      type: "String",
      value: NO_SNAPSHOT,
      description: "The newest snapshot with the fleet's images; written by the automation.",
    },
    { ...opts, ignoreChanges: ["value"] },
  );
}
