import assert from "node:assert/strict";
import { karpenter } from "../../charts/karpenter";
import { Karpenter } from "../../components/karpenter";
import { systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope, someCluster } from "../mocks";

function create(
  installed?: { nodeRoleName: string },
  look: (karpenter: Karpenter) => void = () => {},
): Promise<Registry> {
  return construct(() =>
    look(
      new Karpenter("karpenter", {
        scope,
        cluster: someCluster(),
        placement: systemPlacement,
        installed,
      }),
    ),
  );
}

const RULE = "aws:cloudwatch/eventRule:EventRule";
const TARGET = "aws:cloudwatch/eventTarget:EventTarget";
const QUEUE = "aws:sqs/queue:Queue";
const QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy";

describe("Karpenter", () => {
  it("hears of all five kinds of interruption", async () => {
    const made = await create();
    const kinds = made
      .ofType(RULE)
      .map(({ inputs }) => JSON.parse(inputs.eventPattern))
      .map((pattern) => `${pattern.source} ${pattern["detail-type"]}`);
    assert.deepEqual(kinds.sort(), [
      "aws.ec2 EC2 Capacity Reservation Instance Interruption Warning",
      "aws.ec2 EC2 Instance Rebalance Recommendation",
      "aws.ec2 EC2 Instance State-change Notification",
      "aws.ec2 EC2 Spot Instance Interruption Warning",
      "aws.health AWS Health Event",
    ]);
    const queueArn = "arn:aws:sqs:us-west-2:123456789012:karpenter-interruption";
    assert.deepEqual(
      made.ofType(TARGET).map(({ inputs }) => [inputs.rule, inputs.arn]),
      made.ofType(RULE).map(({ name }) => [name, queueArn]),
    );
  });

  it("takes interruptions from its own rules only, by TLS, and forgets stale ones", async () => {
    const made = await create();
    const queue = made.one(QUEUE, "karpenter-interruption").inputs;
    assert.equal(queue.messageRetentionSeconds, 300);
    assert.equal(queue.sqsManagedSseEnabled, true);
    const { policy } = made.one(QUEUE_POLICY, "karpenter-interruption").inputs;
    const [allow, deny] = JSON.parse(policy).Statement;
    assert.deepEqual(allow.Principal, { Service: "events.amazonaws.com" });
    assert.equal(allow.Condition.ArnEquals["aws:SourceArn"].length, 5);
    assert.equal(allow.Condition.StringEquals["aws:SourceAccount"], "123456789012");
    assert.deepEqual(deny.Condition, { Bool: { "aws:SecureTransport": "false" } });
  });

  it("keeps interruptions that could not be handled, and names their queue to the alarms", async () => {
    let karpenter: Karpenter | undefined;
    const made = await create(undefined, (it) => {
      karpenter = it;
    });
    const source = made.one(QUEUE, "karpenter-interruption");
    const deadLetters = made.one(QUEUE, "karpenter-interruption-dead-letters");
    const redrive = JSON.parse(source.inputs.redrivePolicy);
    assert.match(redrive.deadLetterTargetArn, /:karpenter-interruption-dead-letters$/);
    const { visibilityTimeoutSeconds, messageRetentionSeconds } = source.inputs;
    assert.ok(redrive.maxReceiveCount * visibilityTimeoutSeconds < messageRetentionSeconds);
    assert.equal(deadLetters.inputs.messageRetentionSeconds, 1_209_600);
    assert.deepEqual(JSON.parse(deadLetters.inputs.redriveAllowPolicy).sourceQueueArns, [
      `arn:aws:sqs:us-west-2:123456789012:${source.inputs.name}`,
    ]);
    assert.equal(karpenter?.deadLetters.length, 1);
  });

  it("changes and ends only machines that carry this cluster's tag", async () => {
    const made = await create();
    const changing = ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate", "ec2:CreateTags"];
    const statements = made
      .statements()
      .map(({ statement }) => statement)
      .filter(({ Action }) => changing.some((action) => [Action].flat().includes(action)));
    assert.equal(statements.length, 3);
    for (const { Sid, Condition } of statements) {
      const tags = Object.keys(Condition?.StringEquals ?? {});
      assert.ok(
        tags.some((key) => key.endsWith("Tag/kubernetes.io/cluster/diffusion-fleet-dev")),
        Sid,
      );
    }
  });

  it("hands out the role of its nodes and no other", async () => {
    const made = await create();
    const pass = made.statements().find(({ statement }) => statement.Action === "iam:PassRole");
    assert.equal(pass?.statement.Resource, "arn:aws:iam::123456789012:role/karpenter-node");
  });

  it("lets its nodes join the cluster", async () => {
    const made = await create();
    const entry = made.one("aws:eks/accessEntry:AccessEntry").inputs;
    assert.equal(entry.type, "EC2_LINUX");
    assert.equal(entry.principalArn, "arn:aws:iam::123456789012:role/karpenter-node");
  });

  it("starts after its CRDs, its identity, its queue and its nodes' access", async () => {
    const made = await create();
    const controller = made.release("karpenter");
    for (const earlier of [
      made.release("karpenter-crd"),
      made.one("aws:eks/podIdentityAssociation:PodIdentityAssociation"),
      made.one("aws:eks/accessEntry:AccessEntry"),
      made.one(QUEUE, "karpenter-interruption"),
      ...made.ofType(TARGET),
    ]) {
      assert.ok(made.waitsFor(controller, earlier), earlier.name);
    }
    assert.equal(controller.inputs.skipCrds, true);
    assert.equal(made.release("karpenter-crd").inputs.version, karpenter.version);
  });

  it("runs twice on the system nodes, and one at a time may go", async () => {
    const { values } = (await create()).release("karpenter").inputs;
    assert.equal(values.replicas, 2);
    assert.equal(values.podDisruptionBudget.maxUnavailable, 1);
    assert.deepEqual(values.tolerations, systemPlacement.tolerations);
    assert.equal(values.settings.clusterName, scope.clusterName);
    assert.equal(values.settings.interruptionQueue, "diffusion-fleet-dev-karpenter-interruption");
  });

  it("is left alone where the cluster has it", async () => {
    const made = await create({ nodeRoleName: "theirs" });
    assert.deepEqual(
      made.resources.filter(({ type }) => !type.startsWith("pulumi:")).map(({ type }) => type),
      ["diffusion-fleet:index:Karpenter"],
    );
  });
});
