import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import { Cluster, type ClusterArgs } from "../../components/cluster";
import { ExistingCluster } from "../../components/existingCluster";
import { construct, scope } from "../mocks";

const args: ClusterArgs = {
  scope,
  version: "1.35",
  vpcId: "vpc-00000000",
  privateSubnetIds: ["subnet-a"],
  publicSubnetIds: ["subnet-b"],
  publicAccessCidrs: [],
  logs: { types: ["api", "audit"], retentionDays: 30 },
  accessEntries: {},
};

const EKS = "eks:index:Cluster";

describe("a cluster", () => {
  it("is private unless somebody may reach it, and then open to those only", async () => {
    const closed = await construct(() => void new Cluster("cluster", args));
    assert.equal(closed.one(EKS).inputs.endpointPrivateAccess, true);
    assert.equal(closed.one(EKS).inputs.endpointPublicAccess, false);
    assert.equal(closed.one(EKS).inputs.publicAccessCidrs, undefined);

    const publicAccessCidrs = ["192.0.2.0/24"];
    const open = await construct(() => void new Cluster("cluster", { ...args, publicAccessCidrs }));
    assert.equal(open.one(EKS).inputs.endpointPublicAccess, true);
    assert.deepEqual(open.one(EKS).inputs.publicAccessCidrs, publicAccessCidrs);
  });

  it("finds its log group there, with its retention, before it writes the first line", async () => {
    const made = await construct(() => void new Cluster("cluster", args));
    const logGroup = made.one("aws:cloudwatch/logGroup:LogGroup");
    assert.equal(logGroup.inputs.name, "/aws/eks/diffusion-fleet-dev/cluster");
    assert.equal(logGroup.inputs.retentionInDays, 30);
    assert.ok(made.waitsFor(made.one(EKS), logGroup));
  });

  it("encrypts secrets with a key of its own that rotates", async () => {
    const made = await construct(() => void new Cluster("cluster", args));
    const key = made.one("aws:kms/key:Key");
    assert.equal(key.inputs.enableKeyRotation, true);
    assert.ok(made.waitsFor(made.one(EKS), key));
  });

  it("has a role that EKS takes on for this cluster of this account only, and keeps to the end", async () => {
    const made = await construct(() => void new Cluster("cluster", args));
    const role = made.one("aws:iam/role:Role");
    const [statement] = JSON.parse(role.inputs.assumeRolePolicy).Statement;
    assert.deepEqual(statement.Principal, { Service: "eks.amazonaws.com" });
    assert.deepEqual(statement.Condition, {
      StringEquals: { "aws:SourceAccount": "123456789012" },
      ArnEquals: {
        "aws:SourceArn": "arn:aws:eks:us-west-2:123456789012:cluster/diffusion-fleet-dev",
      },
    });
    const policy = made.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
    assert.match(policy.inputs.policyArn, /:policy\/AmazonEKSClusterPolicy$/);
    assert.ok(made.waitsFor(made.one(EKS), role));
    assert.ok(made.waitsFor(made.one(EKS), policy));
  });

  it("authenticates by access entries alone, and brings no nodes and no add-ons", async () => {
    const made = await construct(() => void new Cluster("cluster", args));
    const { inputs } = made.one(EKS);
    assert.equal(inputs.authenticationMode, "API");
    assert.equal(inputs.skipDefaultNodeGroup, true);
    assert.equal(inputs.bootstrapSelfManagedAddons, false);
    assert.equal(inputs.useDefaultVpcCni, true);
    assert.equal(inputs.kubeProxyAddonOptions.enabled, false);
    assert.equal(inputs.corednsAddonOptions.enabled, false);
  });

  it("gives a namespaced access policy to namespaces and any other to the cluster", async () => {
    const made = await construct(
      () =>
        void new Cluster("cluster", {
          ...args,
          accessEntries: {
            ops: {
              principalArn: "arn:aws:iam::123456789012:role/ops",
              policy: "AmazonEKSClusterAdminPolicy",
              namespaces: [],
              kubernetesGroups: [],
            },
            dev: {
              principalArn: "arn:aws:iam::123456789012:role/dev",
              policy: "AmazonEKSViewPolicy",
              namespaces: ["diffusion-fleet"],
              kubernetesGroups: [],
            },
          },
        }),
    );
    const { ops, dev } = made.one(EKS).inputs.accessEntries;
    assert.deepEqual(ops.accessPolicies.AmazonEKSClusterAdminPolicy, {
      policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
      accessScope: { type: "cluster" },
    });
    assert.deepEqual(dev.accessPolicies.AmazonEKSViewPolicy.accessScope, {
      type: "namespace",
      namespaces: ["diffusion-fleet"],
    });
  });

  it("puts whoever has groups into them, with or without a policy", async () => {
    const principalArn = "arn:aws:iam::123456789012:role/oncall";
    const kubernetesGroups = ["fleet-viewers"];
    const policy = "AmazonEKSAdminViewPolicy";
    const made = await construct(
      () =>
        void new Cluster("cluster", {
          ...args,
          accessEntries: {
            bare: { principalArn, namespaces: [], kubernetesGroups },
            both: { principalArn, policy, namespaces: [], kubernetesGroups },
            none: { principalArn, policy, namespaces: [], kubernetesGroups: [] },
          },
        }),
    );
    const { bare, both, none } = made.one(EKS).inputs.accessEntries;
    assert.deepEqual(bare, { principalArn, kubernetesGroups });
    assert.deepEqual(both.kubernetesGroups, kubernetesGroups);
    assert.deepEqual(Object.keys(both.accessPolicies), [policy]);
    assert.equal(none.kubernetesGroups, undefined);
  });

  it("refuses to go, with its key, when data is protected", async () => {
    const made = await construct(
      () => void new Cluster("cluster", { ...args, scope: { ...scope, protectData: true } }),
    );
    assert.equal(made.one(EKS).inputs.deletionProtection, true);
    assert.equal(made.one("aws:kms/key:Key").protect, true);
  });

  it("makes whatever takes its name wait for it", async () => {
    const made = await construct(() => {
      const cluster = new Cluster("cluster", args);
      new aws.eks.Addon("any", { clusterName: cluster.name, addonName: "any" });
    });
    const addon = made.one("aws:eks/addon:Addon");
    assert.equal(addon.inputs.clusterName, scope.clusterName);
    assert.ok(made.waitsFor(addon, made.one(EKS)));
  });
});

describe("the user's own cluster", () => {
  it("is looked up and given a provider, and nothing else is made", async () => {
    const made = await construct(() => void new ExistingCluster("cluster", { scope }));
    assert.deepEqual(
      made.resources.map(({ type }) => type),
      ["diffusion-fleet:index:ExistingCluster", "pulumi:providers:kubernetes"],
    );
    assert.deepEqual(made.calls[0]?.inputs, { name: scope.clusterName });
  });

  it("is signed in to by the AWS CLI, in the stack's region", async () => {
    const made = await construct(() => void new ExistingCluster("cluster", { scope }));
    const { kubeconfig } = made.one("pulumi:providers:kubernetes").inputs;
    const config = JSON.parse(kubeconfig);
    assert.equal(config.clusters[0].cluster.server, "https://existing.example");
    assert.equal(
      config.users[0].user.exec.args.join(" "),
      "--region us-west-2 eks get-token --cluster-name diffusion-fleet-dev --output json",
    );
  });
});
