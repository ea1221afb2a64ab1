import type * as pulumi from "@pulumi/pulumi";
import {
  chooseImages,
  cleanUp,
  pruneSnapshots,
  pullCommands,
  type StepScript,
} from "./imageCacheScripts";

/** Tags by which the automation finds, and may touch, only what it made. */
export const PURPOSE_TAG = "diffusion-fleet:purpose";
export const PURPOSE = "image-cache";
export const EXECUTION_TAG = "diffusion-fleet:execution";
export const IMAGES_TAG = "diffusion-fleet:images";

/** What of a Systems Manager Automation runbook (schema 0.3) is used here. */
export interface AutomationDocument {
  readonly schemaVersion: "0.3";
  readonly description: string;
  readonly assumeRole: pulumi.Input<string>;
  readonly parameters: Readonly<Record<string, AutomationParameter>>;
  readonly outputs: readonly string[];
  readonly mainSteps: readonly AutomationStep[];
}

export interface AutomationParameter {
  readonly type: "String" | "StringList";
  readonly description: string;
  readonly default: pulumi.Input<string> | readonly pulumi.Input<string>[];
  readonly allowedPattern?: string;
}

export interface AutomationStep {
  readonly name: string;
  readonly action: `aws:${string}`;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly {
    readonly Name: string;
    readonly Selector: string;
    readonly Type: "String" | "Boolean" | "StringList";
  }[];
  readonly timeoutSeconds?: number;
  readonly maxAttempts?: number;
  readonly onFailure?: "Abort" | `step:${string}`;
  readonly onCancel?: "Abort" | `step:${string}`;
  readonly isCritical?: boolean;
  readonly nextStep?: string;
  readonly isEnd?: boolean;
}

export interface ImageCacheDocumentArgs {
  /** Name of the document itself: executions of the same document know one another by it. */
  readonly documentName: string;
  readonly roleArn: pulumi.Input<string>;
  /** Everything about the machine: image, type, network, role, volumes, user data. */
  readonly launchTemplateId: pulumi.Input<string>;
  /** Images that the config names. */
  readonly images: readonly pulumi.Input<string>[];
  /** The program's own ECR repositories. */
  readonly repositories: readonly {
    readonly name: pulumi.Input<string>;
    readonly url: pulumi.Input<string>;
  }[];
  /** SSM parameter that the snapshot's id is published in. */
  readonly parameterName: string;
  /** Snapshots that are kept, besides the published one and the one in use. */
  readonly keep: number;
  /** The snapshot that the config names; `none`: nodes have none. */
  readonly inUseSnapshotId: string;
  /** What tells this environment's machines, volumes and snapshots from others. */
  readonly tags: Readonly<Record<string, string>>;
}

const failTo = { onFailure: "step:cleanUp", onCancel: "step:cleanUp", isCritical: true } as const;

/**
 * The runbook that makes a snapshot of a data volume with the fleet's images on it: boots a
 * Bottlerocket machine, pulls, stops it, takes the snapshot, publishes its id, deletes old ones.
 * The machine goes in every case: each step from the launch on leads to `cleanUp`, when it fails
 * and when somebody cancels.
 *
 * What a machine does was learnt from aws-samples/bottlerocket-images-cache.
 */
export function imageCacheDocument(args: ImageCacheDocumentArgs): AutomationDocument {
  return {
    schemaVersion: "0.3",
    description: "Makes a snapshot of a Bottlerocket data volume with the fleet's images on it.",
    assumeRole: args.roleArn,
    parameters: parameters(args),
    outputs: ["createSnapshot.SnapshotId"],
    mainSteps: [
      ...decide(args),
      ...fill(args),
      ...takeSnapshot(args),
      publish(args),
      prune(args),
      tidy(args),
    ],
  };
}

function parameters(args: ImageCacheDocumentArgs): AutomationDocument["parameters"] {
  return {
    Images: {
      type: "StringList",
      description: "Images to cache, besides the youngest in each of the program's repositories.",
      default: args.images,
    },
    InUseSnapshot: {
      type: "String",
      description: "A snapshot that must not be deleted, or none.",
      default: args.inUseSnapshotId,
      allowedPattern: "^(none|snap-[0-9a-f]{8,17})$",
    },
    SettleFor: {
      type: "String",
      description: "How long to wait for further pushes, an ISO 8601 duration.",
      default: "PT1S",
      allowedPattern: "^PT[0-9]{1,3}[SM]$",
    },
  };
}

/** Waits for pushes to settle, chooses the images, and leaves the work to a younger execution. */
function decide(args: ImageCacheDocumentArgs): readonly AutomationStep[] {
  return [
    {
      name: "settle",
      action: "aws:sleep",
      inputs: { Duration: "{{ SettleFor }}" },
      nextStep: "chooseImages",
    },
    {
      ...script("chooseImages", chooseImages, {
        images: "{{ Images }}",
        repositories: args.repositories,
        document: args.documentName,
        execution: "{{ automation:EXECUTION_ID }}",
      }),
      outputs: [
        { Name: "Images", Selector: "$.Payload.images", Type: "String" },
        { Name: "Hash", Selector: "$.Payload.hash", Type: "String" },
        { Name: "Superseded", Selector: "$.Payload.superseded", Type: "Boolean" },
      ],
      nextStep: "goOnUnlessSuperseded",
    },
    {
      name: "goOnUnlessSuperseded",
      action: "aws:branch",
      inputs: {
        Choices: [
          { NextStep: "launch", Variable: "{{ chooseImages.Superseded }}", BooleanEquals: false },
        ],
      },
      isEnd: true,
    },
  ];
}

/** Boots the machine and pulls the images onto its data volume. */
function fill(args: ImageCacheDocumentArgs): readonly AutomationStep[] {
  return [
    {
      // Not aws:runInstances: that one waits for the machine, and a wait that fails leaves no id.
      ...call("launch", "ec2", "RunInstances", {
        LaunchTemplate: { LaunchTemplateId: args.launchTemplateId, Version: "$Latest" },
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: tagSpecifications(args, ["instance", "volume", "network-interface"]),
      }),
      outputs: [{ Name: "InstanceId", Selector: "$.Instances[0].InstanceId", Type: "String" }],
      ...failTo,
      nextStep: "waitUntilManaged",
    },
    {
      ...wait(
        "waitUntilManaged",
        "ssm",
        "DescribeInstanceInformation",
        { Filters: [{ Key: "InstanceIds", Values: ["{{ launch.InstanceId }}"] }] },
        "$.InstanceInformationList[0].PingStatus",
        ["Online"],
      ),
      timeoutSeconds: 900,
      ...failTo,
      nextStep: "pullImages",
    },
    {
      name: "pullImages",
      action: "aws:runCommand",
      inputs: {
        DocumentName: "AWS-RunShellScript",
        InstanceIds: ["{{ launch.InstanceId }}"],
        Parameters: {
          commands: pullCommands("{{ chooseImages.Images }}"),
          executionTimeout: ["5400"],
        },
      },
      timeoutSeconds: 5700,
      ...failTo,
      nextStep: "stopMachine",
    },
  ];
}

/** Stops the machine, so that the file system is whole, and takes the snapshot. */
function takeSnapshot(args: ImageCacheDocumentArgs): readonly AutomationStep[] {
  return [
    {
      name: "stopMachine",
      action: "aws:changeInstanceState",
      inputs: { InstanceIds: ["{{ launch.InstanceId }}"], DesiredState: "stopped" },
      timeoutSeconds: 900,
      ...failTo,
      nextStep: "findDataVolume",
    },
    {
      ...call("findDataVolume", "ec2", "DescribeVolumes", {
        Filters: [
          { Name: "attachment.instance-id", Values: ["{{ launch.InstanceId }}"] },
          { Name: "attachment.device", Values: ["/dev/xvdb"] },
        ],
      }),
      outputs: [{ Name: "VolumeId", Selector: "$.Volumes[0].VolumeId", Type: "String" }],
      ...failTo,
      nextStep: "createSnapshot",
    },
    {
      ...call("createSnapshot", "ec2", "CreateSnapshot", {
        VolumeId: "{{ findDataVolume.VolumeId }}",
        Description: "Bottlerocket data volume with {{ chooseImages.Hash }}",
        TagSpecifications: tagSpecifications(args, ["snapshot"], {
          [IMAGES_TAG]: "{{ chooseImages.Hash }}",
        }),
      }),
      outputs: [{ Name: "SnapshotId", Selector: "$.SnapshotId", Type: "String" }],
      ...failTo,
      nextStep: "waitForSnapshot",
    },
    {
      ...wait(
        "waitForSnapshot",
        "ec2",
        "DescribeSnapshots",
        { SnapshotIds: ["{{ createSnapshot.SnapshotId }}"] },
        "$.Snapshots[0].State",
        ["completed"],
      ),
      timeoutSeconds: 7200,
      ...failTo,
      nextStep: "publish",
    },
  ];
}

function publish(args: ImageCacheDocumentArgs): AutomationStep {
  return {
    ...call("publish", "ssm", "PutParameter", {
      Name: args.parameterName,
      Value: "{{ createSnapshot.SnapshotId }}",
      Type: "String",
      Overwrite: true,
    }),
    ...failTo,
    nextStep: "prune",
  };
}

function prune(args: ImageCacheDocumentArgs): AutomationStep {
  return {
    ...script("prune", pruneSnapshots, {
      tags: { ...args.tags, [PURPOSE_TAG]: PURPOSE },
      keep: args.keep,
      inUse: "{{ InUseSnapshot }}",
      published: "{{ createSnapshot.SnapshotId }}",
    }),
    ...failTo,
    nextStep: "cleanUp",
  };
}

function tidy(args: ImageCacheDocumentArgs): AutomationStep {
  return {
    ...script("cleanUp", cleanUp, {
      tag: EXECUTION_TAG,
      execution: "{{ automation:EXECUTION_ID }}",
      parameter: args.parameterName,
    }),
    maxAttempts: 3,
    isCritical: true,
    isEnd: true,
  };
}

function script(
  name: string,
  { handler, source }: StepScript,
  payload: Readonly<Record<string, unknown>>,
): AutomationStep {
  return {
    name,
    action: "aws:executeScript",
    inputs: { Runtime: "python3.11", Handler: handler, Script: source, InputPayload: payload },
  };
}

function call(
  name: string,
  service: string,
  api: string,
  request: Readonly<Record<string, unknown>>,
): AutomationStep {
  return { name, action: "aws:executeAwsApi", inputs: { Service: service, Api: api, ...request } };
}

function wait(
  name: string,
  service: string,
  api: string,
  request: Readonly<Record<string, unknown>>,
  selector: string,
  desired: readonly string[],
): AutomationStep {
  return {
    name,
    action: "aws:waitForAwsResourceProperty",
    inputs: {
      Service: service,
      Api: api,
      ...request,
      PropertySelector: selector,
      DesiredValues: desired,
    },
  };
}

function tagSpecifications(
  { tags, documentName }: ImageCacheDocumentArgs,
  resourceTypes: readonly string[],
  more: Readonly<Record<string, string>> = {},
) {
  const all = {
    Name: documentName,
    ...tags,
    ...more,
    [PURPOSE_TAG]: PURPOSE,
    [EXECUTION_TAG]: "{{ automation:EXECUTION_ID }}",
  };
  const list = Object.entries(all).map(([Key, Value]) => ({ Key, Value }));
  return resourceTypes.map((ResourceType) => ({ ResourceType, Tags: list }));
}
