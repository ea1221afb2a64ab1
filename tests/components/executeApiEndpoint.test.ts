import assert from "node:assert/strict";
import { ExecuteApiEndpoint } from "../../components/executeApiEndpoint";
import { construct, scope } from "../mocks";

const create = () =>
  construct(
    () =>
      void new ExecuteApiEndpoint("execute-api", {
        scope,
        vpcId: "vpc-1",
        vpcCidr: "10.0.0.0/16",
        subnetIds: ["subnet-a", "subnet-b"],
      }),
  );

describe("ExecuteApiEndpoint", () => {
  it("leads to private APIs, and leaves the names of all others as they are", async () => {
    const { inputs } = (await create()).one("aws:ec2/vpcEndpoint:VpcEndpoint");
    assert.equal(inputs.serviceName, "com.amazonaws.us-west-2.execute-api");
    assert.equal(inputs.vpcEndpointType, "Interface");
    assert.equal(inputs.privateDnsEnabled, false);
    assert.deepEqual(inputs.subnetIds, ["subnet-a", "subnet-b"]);
  });

  it("takes HTTPS from the VPC and nothing else", async () => {
    const { inputs } = (await create()).one(
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    );
    assert.deepEqual(
      [inputs.cidrIpv4, inputs.ipProtocol, inputs.fromPort, inputs.toPort],
      ["10.0.0.0/16", "tcp", 443, 443],
    );
  });
});
