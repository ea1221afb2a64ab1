import assert from "node:assert/strict";
import { ImageCache, type ImageCacheArgs } from "../../components/imageCache";
import { construct, type Registry, type Statement, scope } from "../mocks";

const url =
  "123456789012.dkr.ecr.us-west-2.amazonaws.com/diffusion-fleet-dev-inference-server-cuda";
const repository = {
  name: "diffusion-fleet-dev-inference-server-cuda",
  arn: "arn:aws:ecr:us-west-2:123456789012:repository/diffusion-fleet-dev-inference-server-cuda",
  url,
};

function create(more: Partial<ImageCacheArgs> = {}): Promise<Registry> {
  return construct(
    () =>
      void new ImageCache("image-cache", {
        scope,
        kubernetesVersion: "1.35",
        bottlerocketVersion: "1.57.0",
        builderInstanceType: "m7i.large",
        vpcId: "vpc-0123456789abcdef0",
        subnetId: "subnet-a",
        images: [`${url}:0.1.0`],
        repositories: [repository],
        pullFrom: [repository.arn],
        dataVolumeGiB: 100,
        schedule: "cron(0 3 ? * SUN *)",
        onPush: true,
        keep: 3,
        alarmTopicArn: "arn:aws:sns:us-west-2:123456789012:alarms",
        tags: { team: "images" },
        ...more,
      }),
  );
}

const TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";
const ROLE = "aws:iam/role:Role";
const RULE = "aws:cloudwatch/eventRule:EventRule";
const TARGET = "aws:cloudwatch/eventTarget:EventTarget";
const SCHEDULE = "aws:scheduler/schedule:Schedule";
const DOCUMENT = "aws:ssm/document:Document";

describe("ImageCache", () => {
  it("boots the nodes' Bottlerocket release, private, encrypted, with IMDSv2 at one hop", async () => {
    const { inputs } = (await create()).one(TEMPLATE);
    assert.equal(
      inputs.imageId,
      "resolve:ssm:/aws/service/bottlerocket/aws-k8s-1.35/x86_64/1.57.0/image_id",
    );
    assert.deepEqual(inputs.metadataOptions, {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: 1,
    });
    assert.equal(inputs.networkInterfaces[0].associatePublicIpAddress, "false");
    assert.equal(inputs.networkInterfaces[0].subnetId, "subnet-a");
    for (const { ebs } of inputs.blockDeviceMappings) assert.equal(ebs.encrypted, "true");
    const data = inputs.blockDeviceMappings.find(
      (it: { deviceName: string }) => it.deviceName === "/dev/xvdb",
    );
    assert.equal(data.ebs.volumeSize, 100, "nodes' volumes are as large as the snapshot");
    assert.match(
      Buffer.from(inputs.userData, "base64").toString(),
      /host-containers.admin]\nenabled = true/,
    );
  });

  it("lets the machine out by HTTPS and nobody in", async () => {
    const made = await create();
    const { inputs } = made.one("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule");
    assert.deepEqual([inputs.ipProtocol, inputs.fromPort, inputs.toPort], ["tcp", 443, 443]);
    assert.equal(
      made.ofType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").length,
      0,
    );
    assert.equal(made.one("aws:ec2/securityGroup:SecurityGroup").inputs.ingress, undefined);
  });

  it("lets the machine pull the fleet's images and Bottlerocket's own, and no others", async () => {
    const pull = (await create())
      .statements()
      .find(({ statement }) => statement.Sid === "Pull")!.statement;
    assert.deepEqual(pull.Resource, [
      repository.arn,
      "arn:aws:ecr:us-west-2:*:repository/bottlerocket-admin",
      "arn:aws:ecr:us-west-2:*:repository/bottlerocket-control",
    ]);
  });

  it("binds every change to what carries this environment's tags", async () => {
    const changing = /^(ec2:(Stop|Terminate|Create|Delete)|ssm:SendCommand)/;
    const made = await create();
    const bound = made
      .statements()
      .filter(({ statement }) => [statement.Action].flat().some((action) => changing.test(action)))
      .filter(({ statement }) => statement.Sid !== "RunShellScripts");
    assert.equal(bound.length, 6);
    for (const { statement } of bound) {
      const conditions = statement.Condition?.StringEquals ?? {};
      const kind = Object.keys(conditions).find((key) => key.includes("diffusion-fleet:purpose"));
      assert.ok(kind, statement.Sid);
      const prefix = kind.slice(0, kind.indexOf("/"));
      assert.equal(conditions[`${prefix}/diffusion-fleet:stack`], "dev", statement.Sid);
      assert.equal(conditions[`${prefix}/diffusion-fleet:project`], "diffusion-fleet");
    }
  });

  it("launches nothing but its own launch template", async () => {
    const made = await create();
    const launch = made
      .statements()
      .find(({ statement }) => statement.Action === "ec2:RunInstances")!;
    // The mocks know no ARN of a launch template; that it is this one's shows in the dependency.
    assert.deepEqual(Object.keys(launch.statement.Condition ?? {}), ["ArnEquals", "Bool"]);
    assert.deepEqual(launch.statement.Condition?.Bool, {
      "ec2:IsLaunchTemplateResource": "true",
    });
    const policy = made.one("aws:iam/rolePolicy:RolePolicy", launch.role);
    assert.ok(policy.dependencies.includes(made.one(TEMPLATE).urn));
  });

  it("uses a bare wildcard only where an action knows no resources", async () => {
    const bare = (await create())
      .statements()
      .filter(({ statement }) => [statement.Resource].flat().includes("*"));
    assert.deepEqual(bare.map(({ statement }) => statement.Sid).sort(), [
      "BeManaged",
      "LogInToEcr",
      "Look",
    ]);
    for (const { statement } of (await create()).statements())
      for (const action of [statement.Action].flat()) assert.doesNotMatch(action, /\*/);
  });

  it("binds the roles that services assume to this account", async () => {
    const made = await create();
    const trusts = made.ofType(ROLE).flatMap(({ inputs }) => {
      const { Statement } = JSON.parse(inputs.assumeRolePolicy) as {
        Statement: (Statement & { Principal: { Service: string } })[];
      };
      return Statement;
    });
    const services = trusts.map(({ Principal }) => Principal.Service);
    assert.deepEqual(services.sort(), [
      "ec2.amazonaws.com",
      "events.amazonaws.com",
      "scheduler.amazonaws.com",
      "ssm.amazonaws.com",
    ]);
    // An instance role's trust carries no source: EC2 sends none.
    for (const trust of trusts.filter((it) => it.Principal.Service !== "ec2.amazonaws.com")) {
      assert.equal(trust.Condition?.StringEquals?.["aws:SourceAccount"], "123456789012");
      const source = { ...trust.Condition?.ArnEquals, ...trust.Condition?.ArnLike }[
        "aws:SourceArn"
      ];
      assert.match(String(source), /^arn:aws:[a-z]+:us-west-2:123456789012:/);
    }
  });

  it("starts on its schedule and on a push to the program's repositories", async () => {
    const made = await create();
    const schedule = made.one(SCHEDULE).inputs;
    assert.equal(schedule.scheduleExpression, "cron(0 3 ? * SUN *)");
    assert.equal(schedule.target.arn, "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution");
    assert.deepEqual(JSON.parse(schedule.target.input), {
      DocumentName: "diffusion-fleet-dev-image-cache",
    });
    const pattern = JSON.parse(made.one(RULE, "image-cache-push").inputs.eventPattern);
    assert.deepEqual(pattern.detail["repository-name"], [repository.name]);
    const target = made.one(TARGET, "image-cache-push").inputs;
    assert.equal(
      target.arn,
      "arn:aws:ssm:us-west-2:123456789012:automation-definition/diffusion-fleet-dev-image-cache:$DEFAULT",
    );
    assert.deepEqual(JSON.parse(target.input), { SettleFor: ["PT10M"] });
  });

  it("hears of no pushes when it shall not, or has no repositories", async () => {
    for (const more of [{ onPush: false }, { repositories: [] }]) {
      const made = await create(more);
      assert.equal(made.ofType(RULE).filter(({ name }) => name.endsWith("push")).length, 0);
      assert.ok(made.one(SCHEDULE));
    }
  });

  it("tells of runs that fail, time out or are cancelled", async () => {
    const made = await create();
    const pattern = JSON.parse(made.one(RULE, "image-cache-failed").inputs.eventPattern);
    assert.deepEqual(pattern.detail, {
      Definition: ["diffusion-fleet-dev-image-cache"],
      Status: ["Failed", "TimedOut", "Cancelled"],
    });
    assert.equal(
      made.one(TARGET, "image-cache-failed").inputs.arn,
      "arn:aws:sns:us-west-2:123456789012:alarms",
    );
  });

  it("publishes in a parameter of its own, which starts without a snapshot", async () => {
    const { inputs } = (await create()).one("aws:ssm/parameter:Parameter");
    assert.equal(inputs.name, "/diffusion-fleet/dev/image-cache/snapshot-id");
    assert.equal(inputs.value, "none");
  });

  it("passes the configured images and the snapshot in use to the automation", async () => {
    const made = await create({ inUseSnapshotId: "snap-0123456789abcdef0" });
    const { parameters } = JSON.parse(made.one(DOCUMENT).inputs.content);
    assert.deepEqual(parameters.Images.default, [`${url}:0.1.0`]);
    assert.equal(parameters.InUseSnapshot.default, "snap-0123456789abcdef0");
  });
});
