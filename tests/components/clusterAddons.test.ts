import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import { ClusterAddons } from "../../components/clusterAddons";
import { embeddedMetricsValues, type MetricWriter } from "../../components/embeddedMetrics";
import { systemPlacement } from "../../components/systemNodes";
import { construct, type Registry, scope, someCluster } from "../mocks";

const ADDON = "aws:eks/addon:Addon";
const versions = { coredns: "v1.13.2-eksbuild.1", cloudwatchObservability: "v4.5.0-eksbuild.1" };

function clusterAddons(
  wanted: Partial<typeof versions>,
  metricWriters: readonly MetricWriter[] = [],
): Promise<Registry> {
  return construct(() => {
    const nodes = new aws.eks.NodeGroup("system", {
      clusterName: "c",
      nodeRoleArn: "arn",
      subnetIds: [],
      scalingConfig: { minSize: 1, maxSize: 1, desiredSize: 1 },
    });
    new ClusterAddons(
      "cluster-addons",
      {
        scope,
        cluster: someCluster(),
        placement: systemPlacement,
        logRetentionDays: 30,
        metricWriters,
        versions: wanted,
      },
      { dependsOn: [nodes] },
    );
  });
}

describe("the add-ons that need nodes", () => {
  it("come after the nodes: CoreDNS would never become active without", async () => {
    const made = await clusterAddons(versions);
    const nodes = made.one("aws:eks/nodeGroup:NodeGroup");
    for (const addon of made.ofType(ADDON)) {
      assert.ok(addon.dependencies.includes(nodes.urn), addon.name);
    }
  });

  it("put CoreDNS on the system nodes, whose taint it tolerates", async () => {
    const made = await clusterAddons(versions);
    const { configurationValues } = made.one(ADDON, "coredns").inputs;
    assert.deepEqual(JSON.parse(configurationValues), systemPlacement);
  });

  it("put the operator of Container Insights there too: it tolerates nothing by itself", async () => {
    const made = await clusterAddons(versions);
    const { configurationValues } = made.one(ADDON, "amazon-cloudwatch-observability").inputs;
    const { manager } = JSON.parse(configurationValues);
    assert.deepEqual(manager.tolerations, systemPlacement.tolerations);
    for (const [label, value] of Object.entries(systemPlacement.nodeSelector))
      assert.equal(manager.nodeSelector[label], value);
  });

  it("tell Container Insights whose logs have metrics in them, and leave its logs alone if nobody's", async () => {
    const valuesOf = (made: Registry) =>
      JSON.parse(made.one(ADDON, "amazon-cloudwatch-observability").inputs.configurationValues);
    const writer = { namespace: "fleet", container: "queue-agent" };
    const { manager, ...values } = valuesOf(await clusterAddons(versions, [writer]));
    assert.deepEqual(values, embeddedMetricsValues([writer]));
    assert.deepEqual(valuesOf(await clusterAddons(versions)), { manager });
  });

  it("have no observability, and no role for it, unless a version is configured", async () => {
    const made = await clusterAddons({ coredns: versions.coredns });
    assert.deepEqual(
      made.ofType(ADDON).map(({ name }) => name),
      ["coredns"],
    );
    assert.equal(made.ofType("aws:iam/role:Role").length, 0);
  });
});
