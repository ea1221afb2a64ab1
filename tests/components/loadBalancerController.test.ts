import assert from "node:assert/strict";
import {
  LoadBalancerController,
  type LoadBalancerControllerArgs,
} from "../../components/loadBalancerController";
import { systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope, someCluster } from "../mocks";

function create(more: Partial<LoadBalancerControllerArgs> = {}): Promise<Registry> {
  return construct(
    () =>
      void new LoadBalancerController("load-balancer-controller", {
        scope,
        cluster: someCluster(),
        vpcId: "vpc-00000000",
        placement: systemPlacement,
        ...more,
      }),
  );
}

const CRDS = "kubernetes:yaml/v2:ConfigFile";
const NAME = "aws-load-balancer-controller";

describe("the load balancer controller", () => {
  it("starts after the CRDs, which it looks for once, and after its identity", async () => {
    const made = await create();
    const controller = made.release(NAME);
    assert.equal(made.ofType(CRDS).length, 3);
    for (const crds of made.ofType(CRDS)) {
      assert.ok(controller.dependencies.includes(crds.urn), crds.name);
    }
    const association = made.one("aws:eks/podIdentityAssociation:PodIdentityAssociation");
    assert.ok(made.waitsFor(controller, association));
  });

  it("takes its CRDs from pinned addresses, so that an upgrade upgrades them", async () => {
    const made = await create();
    const urls = made.ofType(CRDS).map(({ inputs }) => inputs.file);
    for (const url of urls) assert.match(url, /\/v\d+\.\d+\.\d+\//);
    assert.equal(made.release(NAME).inputs.skipCrds, true);
  });

  it("is told region and VPC, because one hop keeps it from the instance metadata", async () => {
    const { values } = (await create()).release(NAME).inputs;
    assert.equal(values.region, "us-west-2");
    assert.equal(values.vpcId, "vpc-00000000");
  });

  it("does not stand in the way of other releases' Services", async () => {
    const { values } = (await create()).release(NAME).inputs;
    assert.equal(values.enableServiceMutatorWebhook, false);
  });

  it("changes nothing in Elastic Load Balancing that lacks this cluster's tag", async () => {
    const made = await create();
    const changing = made
      .statements()
      .map(({ statement }) => statement)
      .filter(({ Action }) =>
        [Action].flat().some((action) => /^elasticloadbalancing:(?!Describe)/.test(action)),
      );
    assert.ok(changing.length >= 5);
    for (const { Sid, Condition } of changing) {
      const tags = Object.entries(Condition?.StringEquals ?? {});
      assert.ok(
        tags.some(
          ([key, value]) =>
            key.endsWith("Tag/elbv2.k8s.aws/cluster") && value === "diffusion-fleet-dev",
        ),
        Sid,
      );
    }
  });

  it("may attach the web ACL and read the user pool that are configured, and no others", async () => {
    const webAclArn = "arn:aws:wafv2:us-west-2:123456789012:regional/webacl/a/b";
    const userPoolArn = "arn:aws:cognito-idp:us-west-2:123456789012:userpool/us-west-2_a";
    const plain = await create();
    const guarded = await create({ webAclArn, userPoolArn });
    const services = (made: Registry) =>
      new Set(
        made
          .statements()
          .flatMap(({ statement }) => [statement.Action].flat())
          .map((a) => a.split(":")[0]),
      );
    assert.ok(!services(plain).has("wafv2") && !services(plain).has("cognito-idp"));
    assert.ok(services(guarded).has("wafv2") && services(guarded).has("cognito-idp"));
    assert.equal(plain.release(NAME).inputs.values.enableWafv2, false);
    assert.equal(guarded.release(NAME).inputs.values.enableWafv2, true);
  });

  it("is left alone where the cluster has it; missing Gateway API CRDs are added", async () => {
    const made = await create({ installed: { controller: true } });
    assert.deepEqual(
      made.ofType(CRDS).map(({ name }) => name),
      ["gateway-api-crds"],
    );
    assert.equal(made.ofType("aws:iam/role:Role").length, 0);
    assert.equal(made.ofType("kubernetes:helm.sh/v3:Release").length, 0);
  });
});
