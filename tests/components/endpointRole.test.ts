import assert from "node:assert/strict";
import { AsyncEndpoint, type AsyncEndpointArgs } from "../../components/asyncEndpoint";
import { construct, scope } from "../mocks";
import { asyncArgs, KEY, machines, model } from "./managedEndpoints";

async function made(more: Partial<AsyncEndpointArgs> = {}) {
  const registry = await construct(() => void new AsyncEndpoint("campaign", asyncArgs(more)));
  const statements = new Map(
    registry.statements().map(({ statement }) => [statement.Sid!, statement]),
  );
  return { registry, statements };
}

const vpc = { subnetIds: ["subnet-a", "subnet-b"], securityGroupId: "sg-1" };

describe("the role of a managed endpoint", () => {
  it("is assumed by SageMaker for this account and region, in the form that it asks for", async () => {
    const { registry } = await made();
    const role = registry.one("aws:iam/role:Role").inputs;
    assert.deepEqual(JSON.parse(role.assumeRolePolicy).Statement, [
      {
        Effect: "Allow",
        Principal: { Service: "sagemaker.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: {
          ArnLike: { "aws:SourceArn": "arn:aws:sagemaker:us-west-2:123456789012:*" },
        },
      },
    ]);
  });

  it("reads its own model, lists nothing else, and pulls from its own repository", async () => {
    const { statements } = await made();
    assert.equal(
      statements.get("ReadItsModel")!.Resource,
      "arn:aws:s3:::models/sdxl/neuron/0a1b2c/*",
    );
    assert.deepEqual(statements.get("ListItsModel")!.Condition, {
      StringLike: { "s3:prefix": ["sdxl/neuron/0a1b2c/", "sdxl/neuron/0a1b2c/*"] },
    });
    assert.equal(statements.get("PullItsImage")!.Resource, model.repositoryArn);
  });

  it("reads its own requests, and writes its own answers and failures", async () => {
    const { statements } = await made();
    assert.deepEqual(statements.get("ReadRequests")!.Resource, [
      "arn:aws:s3:::managed/campaign/input/*",
    ]);
    assert.deepEqual(statements.get("WriteAnswers")!.Resource, [
      "arn:aws:s3:::managed/campaign/output/*",
      "arn:aws:s3:::managed/campaign/failure/*",
    ]);
  });

  it("tells its own two topics, whose key it uses through SNS alone", async () => {
    const { statements } = await made();
    assert.deepEqual(statements.get("TellOfResults")!.Resource, [
      "arn:aws:mock:us-west-2:123456789012:campaign-success",
      "arn:aws:mock:us-west-2:123456789012:campaign-error",
    ]);
    assert.deepEqual(statements.get("EncryptMessages")!.Condition, {
      StringEquals: { "kms:ViaService": "sns.us-west-2.amazonaws.com" },
    });
  });

  it("uses a customer's key for what it is there for: through S3, and for volumes that exist", async () => {
    const placement = { isolated: true, kmsKeyArn: KEY };
    const artefact = { ...model.artefact, kmsKeyArn: `${KEY}-of-models` };
    const { statements } = await made({ placement, model: { ...model, artefact } });
    for (const [sid, key] of [
      ["EncryptAnswers", KEY],
      ["DecryptItsModel", `${KEY}-of-models`],
    ] as const) {
      assert.equal(statements.get(sid)!.Resource, key);
      assert.deepEqual(statements.get(sid)!.Condition, {
        StringEquals: { "kms:ViaService": "s3.us-west-2.amazonaws.com" },
      });
    }
    assert.deepEqual(statements.get("EncryptVolumes")!.Condition, {
      Bool: { "kms:GrantIsForAWSResource": "true" },
    });
    const local = await made({ placement, machines: { ...machines, hasLocalStorage: true } });
    assert.equal(local.statements.get("EncryptVolumes"), undefined);
    assert.equal((await made()).statements.get("EncryptAnswers"), undefined);
  });

  it("makes network interfaces where its endpoint stands in a VPC, in its subnets alone", async () => {
    assert.ok(
      [...(await made()).statements.values()].every(({ Action }) => !/ec2:/.test(`${Action}`)),
    );
    const { statements } = await made({ placement: { isolated: true, vpc } });
    assert.deepEqual(statements.get("InItsSubnets")!.Condition, {
      StringEquals: { "ec2:SubnetID": ["subnet-a", "subnet-b"] },
    });
    assert.deepEqual(statements.get("UseThoseOfItsSubnets")!.Condition, {
      ArnEquals: {
        "ec2:Subnet": ["subnet-a", "subnet-b"].map(
          (id) => `arn:aws:ec2:us-west-2:123456789012:subnet/${id}`,
        ),
      },
    });
    assert.ok(
      statements
        .get("MakeNetworkInterfaces")!
        .Resource.includes("arn:aws:ec2:us-west-2:123456789012:security-group/sg-1"),
    );
  });

  it("looks at the alarms that take its updates back, which SageMaker asks it to", async () => {
    const { statements, registry } = await made();
    const { alarms } = registry.one("aws:sagemaker/endpoint:Endpoint").inputs.deploymentConfig
      .autoRollbackConfiguration;
    assert.deepEqual(
      statements.get("WatchItsAlarms")!.Resource,
      alarms.map(
        ({ alarmName }: { alarmName: string }) =>
          `arn:aws:cloudwatch:us-west-2:123456789012:alarm:${alarmName}`,
      ),
    );
  });

  it("names everything that has a name", async () => {
    const { statements } = await made({ placement: { isolated: true, vpc, kmsKeyArn: KEY } });
    const nameless = [...statements.values()].filter(({ Resource }) => Resource === "*");
    assert.deepEqual(
      nameless.map(({ Sid }) => Sid),
      ["PublishUtilisation", "LogInToEcr", "LookAtTheVpc"],
    );
  });

  it("goes by the partition of its region", async () => {
    const china = { ...scope, region: "cn-north-1", partition: "aws-cn" };
    const { statements } = await made({ scope: china });
    assert.match(
      `${statements.get("WatchItsAlarms")!.Resource}`,
      /^arn:aws-cn:cloudwatch:cn-north-1:/,
    );
  });
});
