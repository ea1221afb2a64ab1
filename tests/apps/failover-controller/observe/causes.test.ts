import assert from "node:assert/strict";
import { causeOf } from "../../../../apps/failover-controller/observe/causes";
import { eventMessage, fleetErrors, fleetMessage } from "./fleetErrors";

const claim = "diffusion-fleet-dev-sd21-inf2-neuron-x7k2p";

const causeOfFleet = (...errors: readonly string[]) => causeOf(fleetMessage(claim, ...errors));

describe("the cause of a failed launch", () => {
  it("is capacity when EC2 says that a machine is sold out, in whichever words", () => {
    assert.equal(causeOfFleet(fleetErrors.soldOut), "capacity");
    assert.equal(causeOfFleet(fleetErrors.unfulfillable), "capacity");
    assert.equal(causeOfFleet(fleetErrors.reservation), "capacity");
  });

  it("is the quota, and not capacity, when the account may have no more", () => {
    assert.equal(causeOfFleet(fleetErrors.vcpus), "quota");
    assert.equal(causeOfFleet(fleetErrors.spotCount), "quota");
    assert.equal(causeOfFleet(fleetErrors.fleets), "quota");
  });

  it("is not what Karpenter calls every one of them in brackets", () => {
    for (const error of [fleetErrors.spotCount, fleetErrors.fleets, fleetErrors.subnet]) {
      const message = fleetMessage(claim, error);
      assert.match(message, /aws-error-code=UnfulfillableCapacity/);
      assert.notEqual(causeOf(message), "capacity");
    }
  });

  it("is the subnet when it has no address left", () => {
    assert.equal(causeOfFleet(fleetErrors.subnet), "subnet");
  });

  it("is the request when EC2 does not offer such a machine there", () => {
    assert.equal(causeOfFleet(fleetErrors.unsupported), "unsupported");
  });

  it("is the permission when the service-linked role of spot is missing", () => {
    assert.equal(causeOfFleet(fleetErrors.spotRole), "permission");
  });

  it("is the node class when that is missing", () => {
    const error =
      'insufficient capacity, resolving nodeclass, ec2nodeclasses.karpenter.k8s.aws "diffusion-fleet-dev-neuron" not found';
    assert.equal(causeOf(eventMessage(claim, error)), "node-class");
  });

  it("is unknown when Karpenter only says that nothing is left to ask for", () => {
    const error =
      "creating instance, insufficient capacity, all requested instance types were unavailable during launch";
    assert.equal(causeOf(eventMessage(claim, error)), "unknown");
    assert.equal(causeOfFleet("%!w(<nil>)"), "unknown");
    assert.equal(causeOf(""), "unknown");
  });

  it("is capacity when that is one of several, in any order", () => {
    for (const other of [
      fleetErrors.spotCount,
      fleetErrors.fleets,
      fleetErrors.subnet,
      fleetErrors.spotRole,
    ]) {
      assert.equal(causeOfFleet(fleetErrors.soldOut, other), "capacity");
      assert.equal(causeOfFleet(other, fleetErrors.soldOut), "capacity");
    }
  });

  it("is found in what is left of a message that Karpenter has cut", () => {
    const message = fleetMessage(claim, fleetErrors.soldOut);
    assert.ok(message.endsWith("..."), "the message was cut");
    assert.equal(causeOf(message), "capacity");
    assert.equal(causeOfFleet(fleetErrors.vcpus, fleetErrors.subnet), "quota");
  });

  it("is nothing that a name in the message happens to contain", () => {
    const error = 'insufficient capacity, no such thing as "Unsupported" or VcpuLimitExceededPool';
    assert.equal(
      causeOf(eventMessage("unsupported-UnfulfillableCapacity-x7k2p", error)),
      "unknown",
    );
  });
});
