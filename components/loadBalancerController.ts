import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  awsLoadBalancerController,
  awsLoadBalancerControllerValues,
  loadBalancerControllerNamespace,
  loadBalancerControllerServiceAccount,
} from "../charts/awsLoadBalancerController";
import {
  gatewayApiCrds,
  loadBalancerControllerCrds,
  loadBalancerGatewayCrds,
  type PinnedManifest,
} from "../charts/gatewayApi";
import type { Placement } from "../charts/placement";
import { release } from "../charts/release";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { ClusterFacts } from "./clusterFacts";
import { loadBalancerControllerStatements } from "./loadBalancerControllerPolicy";
import { PodIdentity } from "./podIdentity";
import type { Scope } from "./scope";

export interface LoadBalancerControllerArgs {
  readonly scope: Scope;
  readonly cluster: ClusterFacts;
  readonly vpcId: pulumi.Input<string>;
  readonly placement: Placement;
  /** The web ACL that is attached to a load balancer, if any. */
  readonly webAclArn?: pulumi.Input<string> | undefined;
  /** The Cognito user pool that listeners sign users in with, if any. */
  readonly userPoolArn?: pulumi.Input<string> | undefined;
  /** What the cluster has already. */
  readonly installed?: {
    /** CRDs of the Gateway API. */
    readonly gatewayApi?: boolean;
    /** The controller, with its CRDs and rights. */
    readonly controller?: boolean;
  };
}

/**
 * The AWS Load Balancer Controller as a Gateway API implementation, with the CRDs of both.
 * GatewayClasses and everything under them are others' and wait for `ready`, so that on the way
 * down their load balancers go while the controller can still delete them.
 */
export class LoadBalancerController extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: LoadBalancerControllerArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:LoadBalancerController", name, {}, pulumiOptions(opts));
    const { gatewayApi = false, controller = false } = args.installed ?? {};
    const ready: pulumi.Resource[] = [];
    if (!gatewayApi) ready.push(crds(gatewayApiCrds, childOptions(this, opts)));
    if (!controller) {
      ready.push(crds(loadBalancerGatewayCrds, childOptions(this, opts)));
      ready.push(crds(loadBalancerControllerCrds, childOptions(this, opts)));
      const { association } = createIdentity(name, args, this);
      ready.push(createRelease(args, childOptions(this, opts, [association, ...ready])));
    }
    this.ready = ready;
    this.registerOutputs({});
  }
}

/** Installed from where its makers publish it: upgrading the pinned URL upgrades the CRDs. */
function crds(
  { name, url }: PinnedManifest,
  opts: pulumi.ComponentResourceOptions,
): kubernetes.yaml.v2.ConfigFile {
  return new kubernetes.yaml.v2.ConfigFile(name, { file: url }, opts);
}

function createIdentity(
  name: string,
  args: LoadBalancerControllerArgs,
  parent: LoadBalancerController,
): PodIdentity {
  const { scope, cluster, vpcId, webAclArn, userPoolArn } = args;
  return new PodIdentity(
    name,
    {
      scope,
      clusterName: cluster.name,
      clusterArn: cluster.arn,
      namespace: loadBalancerControllerNamespace,
      serviceAccount: loadBalancerControllerServiceAccount,
      statements: loadBalancerControllerStatements({
        scope,
        clusterName: scope.clusterName,
        vpcId,
        webAclArn,
        userPoolArn,
      }),
    },
    { parent },
  );
}

function createRelease(
  { scope, cluster, vpcId, placement, webAclArn }: LoadBalancerControllerArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.helm.v3.Release {
  return release(
    awsLoadBalancerController.name,
    {
      chart: awsLoadBalancerController,
      namespace: loadBalancerControllerNamespace,
      values: awsLoadBalancerControllerValues({
        clusterName: cluster.name,
        region: scope.region,
        vpcId,
        placement,
        webAcl: webAclArn !== undefined,
      }),
      crdsElsewhere: true,
    },
    opts,
  );
}
