import assert from "node:assert/strict";
import { outputsOf } from "../../../cli/plan/placeholders";
import { UNKNOWN, type WireObject } from "../../../cli/plan/wire";

function outputs(type: string, inputs: WireObject = {}): WireObject {
  const childUrn = (child: string, name: string) => `urn:${child}::${name}`;
  return outputsOf({ type, name: "it", inputs, region: "us-west-2", childUrn });
}

describe("outputs in a plan", () => {
  it("are the inputs, and texts that name what only `up` learns", () => {
    const bucket = outputs("aws:s3/bucket:Bucket", { bucket: "mine" });
    assert.equal(bucket.bucket, "mine");
    assert.equal(bucket.arn, "<output of it.arn>");
  });

  it("are unknown where a program would take a text apart for something else", () => {
    assert.equal(outputs("aws:ec2/launchTemplate:LaunchTemplate").latestVersion, UNKNOWN);
    assert.equal(outputs("aws:s3/bucket:Bucket").tagsAll, UNKNOWN);
  });

  it("know the region, which every AWS resource repeats", () => {
    assert.equal(outputs("aws:s3/bucket:Bucket").region, "us-west-2");
  });

  it("list as many subnets as the VPC has zones", () => {
    const vpc = outputs("awsx:ec2:Vpc", { numberOfAvailabilityZones: 2 });
    assert.deepEqual(vpc.privateSubnetIds, [
      "<output of it.privateSubnetIds[0]>",
      "<output of it.privateSubnetIds[1]>",
    ]);
    assert.deepEqual(vpc.isolatedSubnetIds, []);
    const specs = [{ type: "Isolated" }];
    const isolated = outputs("awsx:ec2:Vpc", { availabilityZoneNames: ["a"], subnetSpecs: specs });
    assert.deepEqual(isolated.publicSubnetIds, []);
    assert.deepEqual(isolated.isolatedSubnetIds, ["<output of it.isolatedSubnetIds[0]>"]);
  });

  it("name a Kubernetes object that the program leaves unnamed", () => {
    const unnamed = outputs("kubernetes:core/v1:ConfigMap", {
      apiVersion: "v1",
      kind: "ConfigMap",
    });
    assert.deepEqual(unnamed.metadata, { name: "<output of it.metadata.name>" });
    const named = outputs("kubernetes:karpenter.sh/v1:NodePool", {
      apiVersion: "karpenter.sh/v1",
      kind: "NodePool",
      metadata: { name: "pool" },
    });
    assert.deepEqual(named.metadata, { name: "pool" });
  });
});
