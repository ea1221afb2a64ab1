import assert from "node:assert/strict";
import { MountpointS3Csi, type MountpointS3CsiArgs } from "../../components/mountpointS3Csi";
import { systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope, someCluster } from "../mocks";

function create(more: Partial<MountpointS3CsiArgs> = {}): Promise<Registry> {
  return construct(
    () =>
      void new MountpointS3Csi("mountpoint-s3-csi", {
        scope,
        cluster: someCluster(),
        placement: systemPlacement,
        bucketArn: "arn:aws:s3:::models",
        prefix: "models/",
        ...more,
      }),
  );
}

describe("the Mountpoint driver", () => {
  it("reads one prefix of one bucket and writes nothing", async () => {
    const statements = (await create()).statements().map(({ statement }) => statement);
    assert.deepEqual(
      statements.map(({ Action, Resource }) => [Action, Resource]),
      [
        ["s3:ListBucket", "arn:aws:s3:::models"],
        ["s3:GetObject", "arn:aws:s3:::models/models/*"],
      ],
    );
    assert.deepEqual(statements[0]?.Condition, { StringLike: { "s3:prefix": "models/*" } });
  });

  it("decrypts with the bucket's key, through S3 only", async () => {
    const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/a";
    const statements = (await create({ kmsKeyArn })).statements();
    const decrypt = statements
      .map(({ statement }) => statement)
      .find(({ Action }) => Action === "kms:Decrypt");
    assert.equal(decrypt?.Resource, kmsKeyArn);
    assert.deepEqual(decrypt?.Condition, {
      StringEquals: { "kms:ViaService": "s3.us-west-2.amazonaws.com" },
    });
  });

  it("runs on every node whatever its taints, after its identity is there", async () => {
    const made = await create();
    const release = made.release("aws-mountpoint-s3-csi-driver");
    assert.equal(release.inputs.values.node.tolerateAllTaints, true);
    assert.deepEqual(release.inputs.values.controller.tolerations, systemPlacement.tolerations);
    const association = made.one("aws:eks/podIdentityAssociation:PodIdentityAssociation");
    assert.equal(association.inputs.serviceAccount, release.inputs.values.node.serviceAccount.name);
    assert.ok(made.waitsFor(release, association));
  });

  it("is left alone where the cluster has it", async () => {
    const made = await create({ installed: true });
    assert.equal(made.ofType("kubernetes:helm.sh/v3:Release").length, 0);
    assert.equal(made.ofType("aws:iam/role:Role").length, 0);
  });
});
