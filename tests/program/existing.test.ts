import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { type InstallableComponent, installableComponents } from "../../stacks/config/cluster";
import { manifests, ofType, planOf, waitsFor } from "./planned";

const vpcId = "vpc-0123456789abcdef0";
const subnetIds = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"];
const publicSubnetIds = ["subnet-0fedcba9876543210", "subnet-0fedcba9876543211"];

const existingNetwork = `network.existing=${JSON.stringify({
  vpcId,
  privateSubnetIds: subnetIds,
  publicSubnetIds,
})}`;

/** `prod`, which asks for more than `dev`, on a cluster that has some components already. */
function onExistingCluster(...installed: readonly InstallableComponent[]): Promise<Plan> {
  const existing = {
    name: "theirs",
    installed,
    controllerNodeSelector: { "example.com/for": "controllers" },
    ...(installed.includes("karpenter") ? { karpenterNodeRoleName: "their-nodes" } : {}),
  };
  return planOf("prod", existingNetwork, `cluster.existing=${JSON.stringify(existing)}`);
}

function typesOf(plan: Plan): Set<string> {
  return new Set(plan.document.resources.map(({ type }) => type));
}

/** What a plan installs in the cluster of others': releases, files of CRDs, EKS add-ons. */
function installs(plan: Plan): string[] {
  return [
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:yaml/v2:ConfigFile",
    "aws:eks/addon:Addon",
  ].flatMap((type) => ofType(plan, type).map(({ name }) => name));
}

/** What each component's presence leaves out. */
const leftOut: Readonly<Record<InstallableComponent, readonly string[]>> = {
  karpenter: ["karpenter", "karpenter-crd"],
  keda: ["keda"],
  "nvidia-device-plugin": ["nvidia-device-plugin"],
  "neuron-device-plugin": ["neuron-device-plugin"],
  "mountpoint-s3-csi-driver": ["aws-mountpoint-s3-csi-driver"],
  "aws-load-balancer-controller": [
    "aws-load-balancer-controller",
    "aws-load-balancer-controller-crds",
    "aws-load-balancer-controller-gateway-crds",
  ],
  "gateway-api": ["gateway-api-crds"],
  "pod-identity-agent": ["eks-pod-identity-agent"],
};

describe("A VPC of the user's", () => {
  let plan: Plan;
  before(async () => {
    plan = await planOf("prod", existingNetwork, "gateway.scheme=internal");
  });

  it("is used as it is: nothing in it is made or changed, whatever the other network keys say", () => {
    const types = [...typesOf(plan)];
    assert.deepEqual(
      types.filter((type) =>
        /^awsx:ec2|[vV]pcEndpoint|flowLog|[sS]ubnet|routeTable|natGateway|defaultSecurityGroup|Eip/.test(
          type,
        ),
      ),
      [],
    );
    assert.ok(!types.includes("diffusion-fleet:index:VpcFlowLogs"));
  });

  it("gets the cluster, its nodes and the load balancer in the subnets that are named", () => {
    const [cluster] = ofType(plan, "eks:index:Cluster");
    assert.equal(cluster!.inputs.vpcId, vpcId);
    assert.deepEqual(cluster!.inputs.privateSubnetIds, subnetIds);
    const [nodes] = ofType(plan, "aws:eks/nodeGroup:NodeGroup");
    assert.deepEqual(nodes!.inputs.subnetIds, subnetIds);
    for (const { spec } of manifests(plan, "EC2NodeClass"))
      assert.deepEqual(
        spec.subnetSelectorTerms,
        subnetIds.map((id) => ({ id })),
      );
    const [{ spec }] = manifests(plan, "LoadBalancerConfiguration") as [{ spec: Balancer }];
    assert.deepEqual(
      spec.loadBalancerSubnets,
      subnetIds.map((identifier) => ({ identifier })),
    );
    assert.deepEqual(spec.sourceRanges, ["<output of getVpc.cidrBlock>"], "its own range");
  });

  it("gets an internet-facing load balancer in its public subnets", async () => {
    const facing = await planOf(
      "prod",
      existingNetwork,
      "gateway.scheme=internet-facing",
      "gateway.certificateArn=arn:aws:acm:us-west-2:123456789012:certificate/11111111-2222-3333-4444-555555555555",
      "gateway.allowedCidrs=[203.0.113.0/24]",
    );
    const [{ spec }] = manifests(facing, "LoadBalancerConfiguration") as [{ spec: Balancer }];
    assert.deepEqual(
      spec.loadBalancerSubnets,
      publicSubnetIds.map((identifier) => ({ identifier })),
    );
    assert.deepEqual(spec.sourceRanges, ["203.0.113.0/24"]);
  });
});

interface Balancer {
  readonly loadBalancerSubnets: readonly { readonly identifier: string }[];
  readonly sourceRanges: readonly string[];
}

describe("A cluster of the user's", () => {
  let bare: Plan;
  let full: Plan;
  before(async () => {
    bare = await onExistingCluster();
    full = await onExistingCluster(...installableComponents);
  });

  it("is used as it is: no cluster, no system nodes, no add-ons that a new cluster would need", () => {
    for (const plan of [bare, full]) {
      const types = [...typesOf(plan)];
      assert.deepEqual(
        types.filter((type) => /^eks:|:NodeGroup$|:Cluster$|:SystemNodes$|^awsx:ec2/.test(type)),
        [],
      );
      assert.ok(!installs(plan).includes("coredns"));
      assert.ok(!installs(plan).includes("vpc-cni"));
      assert.ok(!installs(plan).includes("kube-proxy"));
      const names = ofType(plan, "aws:cloudwatch/logGroup:LogGroup").map(
        ({ inputs }) => inputs.name,
      );
      assert.ok(!names.some((name) => String(name).startsWith("/aws/eks/")));
    }
  });

  it("gets all controllers that it lacks, where it says that controllers may run", () => {
    assert.deepEqual(installs(bare).sort(), Object.values(leftOut).flat().sort());
    for (const name of ["karpenter", "keda", "aws-load-balancer-controller"]) {
      const release = ofType(bare, "kubernetes:helm.sh/v3:Release").find((it) => it.name === name);
      assert.match(
        JSON.stringify(release!.inputs.values),
        /"example.com\/for":"controllers"/,
        name,
      );
    }
  });

  it("gets no controller that it has", () => {
    assert.deepEqual(installs(full), []);
    const types = typesOf(full);
    assert.ok(!types.has("aws:sqs/queue:Queue"), "its Karpenter has a queue of its own");
    assert.ok(!types.has("aws:eks/accessEntry:AccessEntry"), "its nodes are let in already");
  });

  for (const component of installableComponents)
    it(`gets everything but ${component} when it has that one`, async () => {
      const plan = await onExistingCluster(component);
      const expected = installs(bare).filter((name) => !leftOut[component].includes(name));
      assert.deepEqual(installs(plan).sort(), expected.sort());
    });

  it("gets the whole fleet in either case: nodes, units, scaling, gateway and routes", async () => {
    const own = await planOf("prod");
    const kinds = [
      "EC2NodeClass",
      "NodePool",
      "Deployment",
      "Service",
      "ScaledObject",
      "ClusterTriggerAuthentication",
      "PersistentVolumeClaim",
      "Gateway",
      "HTTPRoute",
      "TargetGroupConfiguration",
    ];
    for (const plan of [bare, full])
      for (const kind of kinds) {
        const names = (of: Plan) => manifests(of, kind).map(({ metadata }) => metadata.name);
        assert.ok(names(own).length > 0);
        assert.deepEqual(names(plan), names(own), kind);
      }
  });

  it("gets everything by one provider, which knows the cluster by its name", () => {
    for (const plan of [bare, full]) {
      const providers = ofType(plan, "pulumi:providers:kubernetes");
      assert.equal(providers.length, 1);
      assert.equal(providers[0]!.inputs.clusterIdentifier, "theirs");
      for (const { inputs } of ofType(
        plan,
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
      ))
        assert.equal(inputs.clusterName, "theirs");
    }
  });

  it("launches nodes with the role of its own Karpenter, or else with one that is made here", () => {
    const roles = (plan: Plan) => manifests(plan, "EC2NodeClass").map(({ spec }) => spec.role);
    assert.deepEqual([...new Set(roles(full))], ["their-nodes"]);
    assert.deepEqual([...new Set(roles(bare))], ["<output of karpenter-node.name>"]);
  });

  it("has its Pod Identity agent before any controller wants an identity", () => {
    const agent = ofType(bare, "aws:eks/addon:Addon")[0]!;
    for (const { urn, name } of ofType(bare, "kubernetes:helm.sh/v3:Release"))
      if (["karpenter", "keda", "aws-load-balancer-controller"].includes(name))
        assert.ok(waitsFor(bare, urn).has(agent.urn), name);
  });
});
