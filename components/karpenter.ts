import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import {
  karpenter,
  karpenterNamespace,
  karpenterServiceAccount,
  karpenterValues,
} from "../charts/karpenter";
import { karpenterCrd } from "../charts/karpenterCrd";
import type { Placement } from "../charts/placement";
import { release } from "../charts/release";
import type { DeadLetters } from "./alarms";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { ClusterFacts } from "./clusterFacts";
import { InterruptionQueue } from "./interruptionQueue";
import { karpenterStatements } from "./karpenterPolicy";
import { NodeRole } from "./nodeRole";
import { PodIdentity } from "./podIdentity";
import type { Scope } from "./scope";

export interface KarpenterArgs {
  readonly scope: Scope;
  readonly cluster: ClusterFacts;
  /** Where the controller runs: not on nodes of its own. */
  readonly placement: Placement;
  /** The cluster has Karpenter already, and this is the role of its nodes. */
  readonly installed?: { readonly nodeRoleName: string } | undefined;
  /** The VPC CNI works with the nodes' rights, having no identity of its own. Default: false. */
  readonly nodesCarryCni?: boolean;
}

/**
 * Karpenter: the controller, what it may do, the role of the nodes that it launches, and the queue
 * that it hears of interruptions through. EC2NodeClasses and NodePools are others' and wait for
 * `ready`, so that on the way down they go while Karpenter can still terminate their machines.
 */
export class Karpenter extends pulumi.ComponentResource {
  readonly nodeRoleName: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];
  /** Where interruptions end that could not be handled; none where Karpenter is somebody else's. */
  readonly deadLetters: readonly DeadLetters[];

  constructor(name: string, args: KarpenterArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:Karpenter", name, {}, pulumiOptions(opts));
    if (args.installed !== undefined) {
      this.nodeRoleName = pulumi.output(args.installed.nodeRoleName);
      this.ready = [];
      this.deadLetters = [];
    } else {
      const nodeRole = createNodeRole(name, args, this);
      const access = letNodesJoin(name, args, nodeRole, this);
      const queue = new InterruptionQueue(
        `${name}-interruption`,
        { scope: args.scope },
        { parent: this },
      );
      const identity = createIdentity(name, args, nodeRole, queue, this);
      const crds = release(
        karpenterCrd.name,
        { chart: karpenterCrd, namespace: karpenterNamespace, values: {} },
        childOptions(this, opts),
      );
      const controller = release(
        karpenter.name,
        {
          chart: karpenter,
          namespace: karpenterNamespace,
          values: karpenterValues({
            clusterName: args.cluster.name,
            interruptionQueue: queue.queueName,
            region: args.scope.region,
            placement: args.placement,
          }),
          crdsElsewhere: true,
        },
        childOptions(this, opts, [
          crds,
          identity.association,
          access,
          ...nodeRole.ready,
          ...queue.ready,
        ]),
      );
      this.deadLetters = [queue.deadLetters];
      this.nodeRoleName = nodeRole.name;
      this.ready = [crds, controller];
    }
    this.registerOutputs({});
  }
}

function createNodeRole(
  name: string,
  { scope, nodesCarryCni = false }: KarpenterArgs,
  parent: Karpenter,
): NodeRole {
  return new NodeRole(
    `${name}-node`,
    {
      scope,
      description: `Nodes that Karpenter launches for ${scope.clusterName}`,
      carriesCni: nodesCarryCni,
    },
    { parent },
  );
}

function letNodesJoin(
  name: string,
  { cluster }: KarpenterArgs,
  nodeRole: NodeRole,
  parent: Karpenter,
): aws.eks.AccessEntry {
  return new aws.eks.AccessEntry(
    `${name}-node`,
    { clusterName: cluster.name, principalArn: nodeRole.arn, type: "EC2_LINUX" },
    { parent },
  );
}

function createIdentity(
  name: string,
  { scope, cluster }: KarpenterArgs,
  nodeRole: NodeRole,
  queue: InterruptionQueue,
  parent: Karpenter,
): PodIdentity {
  return new PodIdentity(
    name,
    {
      scope,
      clusterName: cluster.name,
      clusterArn: cluster.arn,
      namespace: karpenterNamespace,
      serviceAccount: karpenterServiceAccount,
      statements: karpenterStatements({
        scope,
        clusterName: scope.clusterName,
        clusterArn: cluster.arn,
        nodeRoleArn: nodeRole.arn,
        interruptionQueueArn: queue.queueArn,
      }),
    },
    { parent },
  );
}
