import assert from "node:assert/strict";
import { NodeAddons } from "../../components/nodeAddons";
import { construct, scope, someCluster } from "../mocks";

const ADDON = "aws:eks/addon:Addon";

function nodeAddons(versions: ConstructorParameters<typeof NodeAddons>[1]["versions"]) {
  return construct(
    () =>
      void new NodeAddons("node-addons", {
        scope,
        cluster: someCluster(),
        vpcId: "vpc-00000000",
        versions,
      }),
  );
}

describe("the add-ons that nodes need", () => {
  const all = {
    vpcCni: "v1.21.1-eksbuild.3",
    kubeProxy: "v1.35.0-eksbuild.2",
    podIdentityAgent: "v1.3.10-eksbuild.2",
  };

  it("are installed in the configured versions", async () => {
    const made = await nodeAddons(all);
    assert.deepEqual(
      Object.fromEntries(
        made.ofType(ADDON).map(({ inputs }) => [inputs.addonName, inputs.addonVersion]),
      ),
      {
        "eks-pod-identity-agent": all.podIdentityAgent,
        "kube-proxy": all.kubeProxy,
        "vpc-cni": all.vpcCni,
      },
    );
  });

  it("give the network plugin its identity before its first pod starts", async () => {
    const made = await nodeAddons(all);
    const association = made.one("aws:eks/podIdentityAssociation:PodIdentityAssociation");
    assert.equal(association.inputs.serviceAccount, "aws-node");
    const vpcCni = made.one(ADDON, "vpc-cni");
    assert.ok(made.waitsFor(vpcCni, association));
    assert.ok(made.waitsFor(vpcCni, made.one(ADDON, "eks-pod-identity-agent")));
  });

  it("are left out where the cluster has them: no add-on, no role", async () => {
    const made = await nodeAddons({ podIdentityAgent: all.podIdentityAgent });
    assert.equal(made.ofType(ADDON).length, 1);
    assert.equal(made.ofType("aws:iam/role:Role").length, 0);
  });
});
