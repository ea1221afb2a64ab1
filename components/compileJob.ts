import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  artefactKey,
  type CompileInputs,
  compileArguments,
  STORING_NAME,
} from "../contracts/compiledArtefact";
import { ACCELERATOR_LABEL, labels } from "../contracts/labels";
import { CACHE_PATH, MODELS_MOUNT_PATH, SERVER_UID } from "../contracts/serverSettings";
import type { Accelerator } from "../fleet/accelerators";
import { dns1123Label, physicalName } from "../fleet/names";
import type { PodResources } from "../fleet/podResources";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import {
  modelServerMounts,
  modelServerResources,
  modelServerVolumes,
  variables,
} from "./modelServer";
import { deviceTaint, nodeSelectorOf } from "./nodePool";
import { PodIdentity, type PolicyStatement } from "./podIdentity";
import { containerSecurity, podSecurity } from "./restrictedPod";
import type { Scope } from "./scope";

export interface CompileJobArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly cluster: { readonly name: pulumi.Input<string>; readonly arn: pulumi.Input<string> };
  readonly inputs: CompileInputs;
  /** Where the imported model lies, and where the artefact is to, below the store's prefix. */
  readonly sourcePath: string;
  readonly artefactPath: string;
  readonly store: {
    readonly bucketName: pulumi.Input<string>;
    readonly bucketArn: pulumi.Input<string>;
    /** Ends with a slash. */
    readonly prefix: string;
    /** Key that the bucket is encrypted with; absent: SSE-S3. */
    readonly kmsKeyArn: string | undefined;
  };
  /** Claim of the store's volume, whose name tells one store from another. */
  readonly modelClaimName: string;
  /** Disk for the artefact and what compilers leave beside it, GiB. */
  readonly workGiB: number;
  /** Image of the inference server for the framework. */
  readonly image: pulumi.Input<string>;
  readonly accelerator: Accelerator;
  readonly devices: number;
  readonly podResources: PodResources;
}

/** A compilation takes an hour; it may have to wait for a machine that is sold out. */
const longestHours = 24;

/** Kubernetes waits 10 s, 20 s, 40 s … between them: for what is there a few minutes later. */
const retries = 6;

/** What a compilation exits with when another try would end the same way. */
const USER_ERROR_STATUS = 2;

/**
 * Compiles a model on a machine of the kind that will serve it.
 *
 * `pulumi up` does not wait for it: units start when the artefact is there, and old pods serve until
 * then. What it makes is named by all that decides it, so it runs once for each, and each store: a
 * new image of the server alone starts no machine. It does nothing where the artefact is there already.
 */
export class CompileJob extends pulumi.ComponentResource {
  readonly job: kubernetes.batch.v1.Job;

  constructor(name: string, args: CompileJobArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:CompileJob", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const identity = new PodIdentity(
      name,
      {
        scope: args.scope,
        clusterName: args.cluster.name,
        clusterArn: args.cluster.arn,
        namespace: args.namespace,
        serviceAccount: name,
        statements: writeArtefact(args),
      },
      inside,
    );
    const serviceAccount = new kubernetes.core.v1.ServiceAccount(
      name,
      {
        metadata: { name, namespace: args.namespace, labels: jobLabels(name, args) },
        automountServiceAccountToken: false,
      },
      inside,
    );
    this.job = new kubernetes.batch.v1.Job(
      name,
      {
        metadata: {
          name: jobName(name, args),
          namespace: args.namespace,
          labels: jobLabels(name, args),
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: jobSpec(name, args),
      },
      {
        ...childOptions(this, opts, [serviceAccount, identity.association]),
        // What runs, or has run, is not run again for a new image.
        ignoreChanges: ["spec"],
      },
    );
    this.registerOutputs({});
  }
}

/** By what is made, and where. */
function jobName(name: string, { inputs, modelClaimName }: CompileJobArgs): string {
  const store = createHash("sha256").update(modelClaimName).digest("hex").slice(0, 8);
  return physicalName([name, artefactKey(inputs), store], dns1123Label);
}

/** No label of the unit or the model: no Service, no budget and no fail-over counts these pods. */
function jobLabels(name: string, { accelerator }: CompileJobArgs) {
  return labels(name, {
    "app.kubernetes.io/component": "compile",
    [ACCELERATOR_LABEL]: accelerator.name,
  });
}

/** It may write this artefact, and see who does or has; the import it reads from the mount. */
function writeArtefact({ store, artefactPath }: CompileJobArgs): readonly PolicyStatement[] {
  const inArtefact = (path: string) =>
    pulumi.interpolate`${store.bucketArn}/${store.prefix}${artefactPath}/${path}`;
  return [
    {
      Sid: "WriteTheArtefact",
      Effect: "Allow",
      Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
      Resource: inArtefact("*"),
    },
    {
      Sid: "SeeWhetherItIsThere",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [inArtefact("manifest.json"), inArtefact(STORING_NAME)],
    },
    {
      Sid: "LookForIt",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: store.bucketArn,
      Condition: { StringLike: { "s3:prefix": `${store.prefix}${artefactPath}/*` } },
    },
    ...(store.kmsKeyArn === undefined
      ? []
      : [
          {
            Sid: "EncryptIt",
            Effect: "Allow" as const,
            Action: ["kms:GenerateDataKey", "kms:Decrypt"],
            Resource: store.kmsKeyArn,
          },
        ]),
  ];
}

function jobSpec(name: string, args: CompileJobArgs) {
  return {
    backoffLimit: retries,
    activeDeadlineSeconds: longestHours * 3600,
    podFailurePolicy: {
      rules: [
        {
          action: "FailJob",
          onExitCodes: {
            containerName: "compile",
            operator: "In",
            values: [USER_ERROR_STATUS],
          },
        },
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      ],
    },
    template: {
      metadata: {
        labels: jobLabels(name, args),
        annotations: { "karpenter.sh/do-not-disrupt": "true" },
      },
      spec: {
        restartPolicy: "Never",
        serviceAccountName: name,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        nodeSelector: nodeSelectorOf(args.scope, { kind: "compilation", name }),
        tolerations: [{ ...deviceTaint(args.accelerator), operator: "Equal" }],
        securityContext: { ...podSecurity, fsGroup: SERVER_UID },
        containers: [container(args)],
        volumes: modelServerVolumes(args.modelClaimName, args.podResources, args.workGiB),
      },
    },
  };
}

function container(args: CompileJobArgs) {
  const { store } = args;
  const to = pulumi.interpolate`s3://${store.bucketName}/${store.prefix}${args.artefactPath}/`;
  const from = `${MODELS_MOUNT_PATH}/${args.sourcePath}`;
  const { requests, limits } = modelServerResources(
    args.podResources,
    args.accelerator,
    args.devices,
  );
  return {
    name: "compile",
    image: args.image,
    imagePullPolicy: "IfNotPresent",
    args: pulumi.output(to).apply((url) => [...compileArguments(args.inputs, { from, to: url })]),
    env: variables({ AWS_REGION: args.scope.region, CACHE_PATH }),
    resources: { requests: { ...requests, "ephemeral-storage": `${args.workGiB}Gi` }, limits },
    securityContext: containerSecurity,
    volumeMounts: modelServerMounts(MODELS_MOUNT_PATH),
  };
}
