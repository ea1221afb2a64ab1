import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import { SystemNodes, systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope } from "../mocks";

const GROUP = "aws:eks/nodeGroup:NodeGroup";
const TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";

function systemNodes(): Promise<Registry> {
  return construct(() => {
    const network = new aws.eks.Addon("vpc-cni", { clusterName: "c", addonName: "vpc-cni" });
    new SystemNodes(
      "system",
      {
        scope,
        clusterName: scope.clusterName,
        kubernetesVersion: "1.35",
        bottlerocketVersion: "1.57.0",
        subnetIds: ["subnet-a", "subnet-b"],
        instanceTypes: ["m7i.large"],
        count: 2,
        volumeGiB: 40,
      },
      { dependsOn: [network] },
    );
  });
}

describe("system nodes", () => {
  it("keep pods from the instance metadata: IMDSv2 and one hop", async () => {
    const { metadataOptions } = (await systemNodes()).one(TEMPLATE).inputs;
    assert.equal(metadataOptions.httpTokens, "required");
    assert.equal(metadataOptions.httpPutResponseHopLimit, 1);
  });

  it("encrypt both of their volumes", async () => {
    const { blockDeviceMappings } = (await systemNodes()).one(TEMPLATE).inputs;
    assert.deepEqual(
      // biome-ignore lint/suspicious/noExplicitAny: a planned input
      blockDeviceMappings.map(({ deviceName, ebs }: any) => [
        deviceName,
        ebs.volumeType,
        ebs.volumeSize,
        ebs.encrypted,
      ]),
      [
        ["/dev/xvda", "gp3", 4, "true"],
        ["/dev/xvdb", "gp3", 40, "true"],
      ],
    );
  });

  it("are tainted, so that only controllers run on them", async () => {
    const { taints, labels } = (await systemNodes()).one(GROUP).inputs;
    const [{ key, value, effect }] = taints;
    assert.equal(effect, "NO_SCHEDULE");
    assert.deepEqual(systemPlacement.tolerations, [
      { key, operator: "Equal", value, effect: "NoSchedule" },
    ]);
    assert.deepEqual(systemPlacement.nodeSelector, labels);
  });

  it("boot the pinned Bottlerocket release of the control plane's version", async () => {
    const made = await systemNodes();
    const { inputs } = made.one(GROUP);
    assert.equal(inputs.amiType, "BOTTLEROCKET_x86_64");
    assert.equal(inputs.version, "1.35");
    assert.equal(inputs.releaseVersion, "1.57.0-8a1b2c3d");
    assert.equal(
      made.calls[0]?.inputs.name,
      "/aws/service/bottlerocket/aws-k8s-1.35/x86_64/1.57.0/image_version",
    );
  });

  it("start after the network plugin, with the policies of their role attached", async () => {
    const made = await systemNodes();
    const group = made.one(GROUP);
    assert.ok(made.waitsFor(group, made.one("aws:eks/addon:Addon")));
    const policies = made.ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
    assert.deepEqual(policies.map(({ inputs }) => inputs.policyArn).sort(), [
      "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
      "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    ]);
    for (const policy of policies) assert.ok(made.waitsFor(group, policy));
  });
});
