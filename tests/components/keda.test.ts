import assert from "node:assert/strict";
import { Keda, type KedaArgs } from "../../components/keda";
import { systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope, someCluster } from "../mocks";

function create(more: Partial<KedaArgs> = {}): Promise<Registry> {
  return construct(
    () =>
      void new Keda("keda", { scope, cluster: someCluster(), placement: systemPlacement, ...more }),
  );
}

const AUTHENTICATION = "kubernetes:keda.sh/v1alpha1:ClusterTriggerAuthentication";

describe("KEDA", () => {
  it("may read metrics, and queue lengths of the queues that it is told of", async () => {
    const actions = (made: Registry) => made.statements().map(({ statement }) => statement.Action);
    assert.deepEqual(actions(await create()), ["cloudwatch:GetMetricData"]);

    const queueArns = ["arn:aws:sqs:us-west-2:123456789012:tasks"];
    const made = await create({ queueArns });
    assert.deepEqual(actions(made), ["cloudwatch:GetMetricData", "sqs:GetQueueAttributes"]);
    assert.deepEqual(made.statements()[1]?.statement.Resource, queueArns);
  });

  it("has its identity before its operator starts, and its kinds before objects of them", async () => {
    const made = await create();
    const release = made.release("keda");
    const association = made.one("aws:eks/podIdentityAssociation:PodIdentityAssociation");
    assert.ok(made.waitsFor(release, association));
    assert.ok(made.waitsFor(made.one(AUTHENTICATION), release));
  });

  it("asks AWS as its operator does", async () => {
    const { spec } = (await create()).one(AUTHENTICATION).inputs;
    assert.deepEqual(spec, { podIdentity: { provider: "aws" } });
  });

  it("is left alone where the cluster has it, but for the triggers' authentication", async () => {
    const made = await create({ installed: true });
    assert.deepEqual(
      made.resources.filter(({ type }) => !type.startsWith("pulumi:")).map(({ type }) => type),
      ["diffusion-fleet:index:Keda", AUTHENTICATION],
    );
  });
});
