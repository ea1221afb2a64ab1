import assert from "node:assert/strict";
import { Network, type NetworkArgs } from "../../components/network";
import { construct, scope } from "../mocks";

const args: NetworkArgs = {
  scope,
  cidrBlock: "10.0.0.0/16",
  zones: 2,
  natGateways: "single",
  interfaceEndpoints: [],
  flowLogs: { enabled: false, retentionDays: 30 },
};

const SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup";

describe("a network", () => {
  it("has its private subnets tagged for Karpenter and internal load balancers", async () => {
    const made = await construct(() => void new Network("network", args));
    const [privateSubnets, publicSubnets] = made.one("awsx:ec2:Vpc").inputs.subnetSpecs;
    assert.equal(privateSubnets.tags["karpenter.sh/discovery"], scope.clusterName);
    assert.equal(privateSubnets.tags["kubernetes.io/role/internal-elb"], "1");
    assert.deepEqual(publicSubnets.tags, { "kubernetes.io/role/elb": "1" });
  });

  it("is in the zones that the config names, which sell the accelerators", async () => {
    const availabilityZones = ["us-west-2b", "us-west-2c"];
    const made = await construct(() => void new Network("network", { ...args, availabilityZones }));
    const { inputs } = made.one("awsx:ec2:Vpc");
    assert.deepEqual(inputs.availabilityZoneNames, availabilityZones);
    assert.equal(inputs.numberOfAvailabilityZones, undefined);
  });

  it("reaches S3 without NAT, by a gateway endpoint in every route table", async () => {
    const made = await construct(() => void new Network("network", args));
    const { inputs } = made.one("awsx:ec2:Vpc");
    assert.equal(inputs.vpcEndpointStrategy, "Auto");
    assert.deepEqual(inputs.vpcEndpointSpecs, [
      { serviceName: "com.amazonaws.us-west-2.s3", vpcEndpointType: "Gateway" },
    ]);
  });

  it("has one NAT gateway, or one per zone", async () => {
    const single = await construct(() => void new Network("network", args));
    const perZone = await construct(
      () => void new Network("network", { ...args, natGateways: "perZone" }),
    );
    assert.equal(single.one("awsx:ec2:Vpc").inputs.natGateways.strategy, "Single");
    assert.equal(perZone.one("awsx:ec2:Vpc").inputs.natGateways.strategy, "OnePerAz");
  });

  it("lets nothing through its default security group", async () => {
    const made = await construct(() => void new Network("network", args));
    const { inputs } = made.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    assert.deepEqual([inputs.ingress, inputs.egress], [[], []]);
  });

  it("makes no endpoint, security group or flow log that was not asked for", async () => {
    const made = await construct(() => void new Network("network", args));
    assert.deepEqual(made.resources.map(({ type }) => type).sort(), [
      "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
      "awsx:ec2:Vpc",
      "diffusion-fleet:index:Network",
    ]);
  });

  it("lets only its own addresses at interface endpoints, by HTTPS and the usual names", async () => {
    const interfaceEndpoints = ["ecr.api", "sts"];
    const made = await construct(
      () => void new Network("network", { ...args, interfaceEndpoints }),
    );
    const endpoints = made.ofType("aws:ec2/vpcEndpoint:VpcEndpoint");
    assert.deepEqual(
      endpoints.map(({ inputs }) => inputs.serviceName),
      ["com.amazonaws.us-west-2.ecr.api", "com.amazonaws.us-west-2.sts"],
    );
    for (const { inputs } of endpoints) {
      assert.equal(inputs.privateDnsEnabled, true);
      assert.deepEqual(inputs.securityGroupIds, [`${made.one(SECURITY_GROUP).name}-id`]);
    }
    const rule = made.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs;
    assert.deepEqual(
      [rule.cidrIpv4, rule.ipProtocol, rule.fromPort, rule.toPort],
      ["10.0.0.0/16", "tcp", 443, 443],
    );
  });

  it("keeps flow logs for the days asked for, written by a role that only flow logs can use", async () => {
    const flowLogs = { enabled: true, retentionDays: 7 };
    const made = await construct(() => void new Network("network", { ...args, flowLogs }));
    assert.equal(made.one("aws:cloudwatch/logGroup:LogGroup").inputs.retentionInDays, 7);
    const trust = JSON.parse(made.one("aws:iam/role:Role").inputs.assumeRolePolicy).Statement[0];
    assert.equal(trust.Principal.Service, "vpc-flow-logs.amazonaws.com");
    assert.equal(trust.Condition.StringEquals["aws:SourceAccount"], "123456789012");
    for (const { statement } of made.statements()) assert.notEqual(statement.Resource, "*");
  });
});

describe("the user's own network", () => {
  const existing = {
    vpcId: "vpc-00000000",
    privateSubnetIds: ["subnet-00000001", "subnet-00000002"],
    publicSubnetIds: [],
  };

  it("is not touched: nothing is made, whatever else is configured", async () => {
    const made = await construct(
      () =>
        void new Network("network", {
          ...args,
          interfaceEndpoints: ["sts"],
          flowLogs: { enabled: true, retentionDays: 30 },
          existing,
        }),
    );
    assert.deepEqual(
      made.resources.map(({ type }) => type),
      ["diffusion-fleet:index:Network"],
    );
  });

  it("gives Karpenter its subnets by id, because their tags are the user's", async () => {
    let network: Network | undefined;
    await construct(() => {
      network = new Network("network", { ...args, existing });
    });
    assert.deepEqual(network?.karpenterSubnetTerms, [
      { id: "subnet-00000001" },
      { id: "subnet-00000002" },
    ]);
  });
});
