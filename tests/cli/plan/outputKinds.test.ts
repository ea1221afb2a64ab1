import assert from "node:assert/strict";
import { outputKinds } from "../../../cli/plan/outputKinds";

describe("the kinds of a type's outputs", () => {
  const is = (type: string, property: string) => outputKinds(type).get(property)?.is;

  it("are found in each SDK that the program uses", () => {
    assert.equal(is("aws:s3/bucket:Bucket", "arn"), "string");
    assert.equal(is("aws:s3/bucket:Bucket", "tagsAll"), "other");
    assert.equal(is("aws:ec2/launchTemplate:LaunchTemplate", "latestVersion"), "other");
    assert.equal(is("aws:cloudwatch/eventRule:EventRule", "name"), "string");
    assert.equal(is("kubernetes:apps/v1:Deployment", "spec"), "other");
    assert.equal(is("kubernetes:policy/v1:PodDisruptionBudget", "metadata"), "other");
    assert.equal(is("kubernetes:helm.sh/v3:Release", "name"), "string");
    assert.equal(is("kubernetes:helm.sh/v3:Release", "status"), "other");
    assert.equal(is("awsx:ec2:Vpc", "vpcId"), "string");
    assert.equal(is("awsx:ec2:Vpc", "privateSubnetIds"), "other");
    assert.equal(is("eks:index:Cluster", "clusterSecurityGroupId"), "string");
  });

  it("tell which resource an output of a component provider is", () => {
    assert.deepEqual(outputKinds("eks:index:Cluster").get("eksCluster"), {
      is: "resource",
      type: "aws:eks/cluster:Cluster",
    });
    assert.deepEqual(outputKinds("awsx:ec2:Vpc").get("vpc"), {
      is: "resource",
      type: "aws:ec2/vpc:Vpc",
    });
  });

  it("are none for types that no SDK declares", () => {
    assert.equal(outputKinds("kubernetes:karpenter.sh/v1:NodePool").size, 0);
    assert.equal(outputKinds("diffusion-fleet:index:Gateway").size, 0);
    assert.equal(outputKinds("pulumi:providers:kubernetes").size, 0);
  });
});
