import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ClusterAddons } from "../../components/clusterAddons";
import { Karpenter } from "../../components/karpenter";
import { Keda } from "../../components/keda";
import { LoadBalancerController } from "../../components/loadBalancerController";
import { MountpointS3Csi } from "../../components/mountpointS3Csi";
import { NodeAddons } from "../../components/nodeAddons";
import { systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope, someCluster } from "../mocks";

/** Actions that AWS gives no resource to, and one that Karpenter calls for every profile. */
const allowedOnEverything = [
  /^ec2:Describe/,
  /^elasticloadbalancing:Describe/,
  /^cloudwatch:(GetMetricData|PutMetricData)$/,
  /^pricing:GetProducts$/,
  /^iam:ListInstanceProfiles$/,
];

/** Characters, white space not counted. Source: IAM user guide, "IAM and AWS STS quotas". */
const inlinePolicyLimit = 10_240;

describe("the controllers' rights", () => {
  let made: Registry;
  before(async () => {
    made = await construct(() => {
      const cluster = someCluster();
      const common = { scope, cluster, placement: systemPlacement };
      const vpcId = "vpc-00000000";
      new NodeAddons("node-addons", { scope, cluster, vpcId, versions: { vpcCni: "v1" } });
      new ClusterAddons("cluster-addons", {
        ...common,
        logRetentionDays: 30,
        metricWriters: [],
        versions: { cloudwatchObservability: "v1" },
      });
      new Karpenter("karpenter", common);
      new LoadBalancerController("load-balancer-controller", {
        ...common,
        vpcId,
        webAclArn: "arn:aws:wafv2:us-west-2:123456789012:regional/webacl/a/b",
        userPoolArn: pulumi.output("arn:aws:cognito-idp:us-west-2:123456789012:userpool/a"),
      });
      new Keda("keda", common);
      new MountpointS3Csi("mountpoint-s3-csi", {
        ...common,
        bucketArn: "arn:aws:s3:::models",
        prefix: "models/",
      });
    });
  });

  it("name their resources, but for actions that take none", () => {
    for (const { role, statement } of made.statements()) {
      if (![statement.Resource].flat().includes("*")) continue;
      for (const action of [statement.Action].flat()) {
        assert.ok(
          allowedOnEverything.some((allowed) => allowed.test(action)),
          `${role} may ${action} on everything`,
        );
      }
    }
  });

  it("name their actions: none has a wildcard", () => {
    for (const { role, statement } of made.statements()) {
      for (const action of [statement.Action].flat())
        assert.ok(!action.includes("*"), `${role} ${action}`);
    }
  });

  it("are a controller's alone: each role trusts one cluster's Pod Identity", () => {
    const roles = made.ofType("aws:iam/role:Role").filter(({ name }) => !name.endsWith("-node"));
    assert.equal(roles.length, 6);
    for (const { inputs } of roles) {
      const [trust] = JSON.parse(inputs.assumeRolePolicy).Statement;
      assert.deepEqual(trust.Principal, { Service: "pods.eks.amazonaws.com" });
      assert.ok(trust.Condition.ArnEquals["aws:SourceArn"].endsWith("cluster/diffusion-fleet-dev"));
    }
  });

  it("fit into an inline policy, under the longest of names too", () => {
    for (const { name, inputs } of made.ofType("aws:iam/rolePolicy:RolePolicy")) {
      // A cluster's name has 100 characters at most.
      const longest = inputs.policy.replaceAll("diffusion-fleet-dev", "x".repeat(100));
      assert.ok(longest.length <= inlinePolicyLimit, `${name}: ${longest.length}`);
    }
  });
});
