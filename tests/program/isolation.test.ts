import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import * as limits from "../../fleet/names";
import { manifests, manifestsOf, planOf, planOfConfig } from "./planned";

/** Properties that become a name in AWS, by type token and property, and how long it may get. */
const nameLimits: Readonly<Record<string, number>> = {
  "aws:iam/role:Role namePrefix": limits.iamRoleNamePrefix,
  "aws:iam/role:Role name": limits.iamRoleName,
  "aws:s3/bucket:Bucket bucketPrefix": limits.s3BucketPrefix,
  "aws:sqs/queue:Queue namePrefix": limits.sqsQueueName - 26,
  "aws:sqs/queue:Queue name": limits.sqsQueueName,
  "aws:cloudwatch/eventRule:EventRule namePrefix": limits.eventRuleNamePrefix,
  "aws:cloudwatch/eventRule:EventRule name": limits.eventRuleName,
  "aws:cloudwatch/logGroup:LogGroup name": limits.logGroup,
  "aws:cloudwatch/metricAlarm:MetricAlarm name": limits.cloudWatchAlarm,
  "aws:cloudwatch/dashboard:Dashboard dashboardName": limits.dashboardName,
  "aws:ecr/repository:Repository name": limits.ecrRepository,
  "aws:ssm/document:Document name": limits.ssmDocument,
  "aws:kms/alias:Alias namePrefix": limits.kmsAlias - 26,
  "aws:kms/alias:Alias name": limits.kmsAlias,
  "aws:ssm/parameter:Parameter name": limits.ssmParameter,
  "aws:ec2/launchTemplate:LaunchTemplate name": limits.launchTemplateName,
  "aws:iam/instanceProfile:InstanceProfile namePrefix": 128 - 26,
  "aws:sns/topic:Topic namePrefix": limits.snsTopicName - 26,
  "aws:sns/topic:Topic name": limits.snsTopicName,
  "aws:eks/nodeGroup:NodeGroup nodeGroupNamePrefix": limits.nodeGroupNamePrefix,
  "aws:ec2/launchTemplate:LaunchTemplate namePrefix": limits.launchTemplateName - 26,
  "aws:scheduler/schedule:Schedule namePrefix": limits.scheduleName - 26,
  "aws:scheduler/schedule:Schedule name": limits.scheduleName,
  "aws:ec2/securityGroup:SecurityGroup namePrefix": 255 - 26,
  "aws:budgets/budget:Budget name": limits.budgetName,
  "aws:dynamodb/table:Table name": limits.dynamoDbTable,
  "aws:lambda/function:Function name": limits.lambdaFunction,
  "aws:apigateway/restApi:RestApi name": limits.restApi,
  "aws:apigateway/usagePlan:UsagePlan name": limits.restApi,
  "aws:apigateway/apiKey:ApiKey name": limits.restApi,
  "eks:index:Cluster name": limits.eksClusterName,
};

/** Names that AWS or Kubernetes would not let two stacks of one account and cluster share. */
function sharedNames(plan: Plan): string[] {
  const cloud = plan.document.resources.flatMap(({ type, inputs }) =>
    Object.entries(inputs)
      .filter(([property]) => nameLimits[`${type} ${property}`] !== undefined)
      .map(([property, value]) => `${type} ${property} ${value}`),
  );
  const clusterWide = [
    "NodePool",
    "EC2NodeClass",
    "GatewayClass",
    "PersistentVolume",
    "PriorityClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterTriggerAuthentication",
  ];
  const cluster = clusterWide.flatMap((kind) =>
    manifests(plan, kind).map(({ metadata }) => `${kind} ${metadata.name}`),
  );
  const inDefault = ["Role", "RoleBinding"].flatMap((kind) =>
    manifests(plan, kind)
      .filter(({ metadata }) => metadata.namespace === "default")
      .map(({ metadata }) => `${kind} ${metadata.name}`),
  );
  const alb = manifests(plan, "LoadBalancerConfiguration").map(
    ({ spec }) => `ALB ${spec.loadBalancerName}`,
  );
  return [...cloud, ...cluster, ...inDefault, ...alb];
}

/** A hundred characters, the most that Pulumi allows, and characters that names cannot have. */
const longStack = `Feature_${"x".repeat(80)}.${"y".repeat(11)}`;
const units = {
  "a-unit-with-a-name-of-thirty-c": {
    model: "sd21",
    accelerator: "g5",
    framework: "cuda",
    headroom: 1,
    measurement: { throughput: 60, latencySeconds: 1 },
  },
};
const everything = {
  units,
  network: { flowLogs: { enabled: true }, interfaceEndpoints: ["sts"] },
  images: { cache: "snapshot" },
  cluster: { addons: { cloudwatchObservability: "v4.5.0-eksbuild.1" } },
  failover: { enabled: true },
  async: {
    enabled: true,
    runtimes: {
      "a-runtime-of-thirty-characters": {
        adapter: "comfyui",
        accelerator: "g5",
        framework: "cuda",
        image: { repository: "registry.example.com/comfyui", tag: "1.0" },
      },
    },
    api: { createLogRole: true },
  },
  observability: {
    alarmEmails: ["a@example.com"],
    budget: { monthlyUsd: 100, emails: ["a@example.com"] },
  },
};

describe("Names", () => {
  it("stay within the limits of AWS and Kubernetes for a stack name of a hundred characters", async () => {
    const plan = await planOfConfig(longStack, everything);
    for (const { type, inputs, urn } of plan.document.resources) {
      for (const [property, value] of Object.entries(inputs)) {
        const limit = nameLimits[`${type} ${property}`];
        if (limit !== undefined && typeof value === "string")
          assert.ok(value.length <= limit, `${urn}: ${property} "${value}" is over ${limit}`);
        if (limit === undefined && /^aws:/.test(type) && /^(name|\w*[nN]amePrefix)$/.test(property))
          assert.fail(`${type} ${property} has no limit in this test`);
      }
      const metadata = inputs.metadata as
        | { name?: string; labels?: Record<string, string> }
        | undefined;
      if (metadata?.name !== undefined)
        assert.match(metadata.name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, urn);
      for (const value of Object.values(metadata?.labels ?? {}))
        assert.match(value, /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]?$/, urn);
    }
    const [configuration] = manifests(plan, "LoadBalancerConfiguration");
    assert.ok(configuration.spec.loadBalancerName.length <= limits.loadBalancerName);
  });

  it("keep two stacks of one account apart, also when their names differ at the end only", async () => {
    const one = sharedNames(await planOfConfig(`${longStack.slice(0, 99)}1`, everything));
    const two = sharedNames(await planOfConfig(`${longStack.slice(0, 99)}2`, everything));
    assert.ok(one.length > 20);
    assert.deepEqual(
      one.filter((name) => two.includes(name)),
      [],
    );
  });

  it("keep the metrics of two stacks apart by a dimension", async () => {
    for (const stack of ["dev", "prod"]) {
      const plan = await planOf(stack);
      for (const { spec } of manifestsOf(plan, "ScaledObject")) {
        const [counter, inFlight] = spec.triggers;
        assert.match(counter.metadata.expression, new RegExp(`WHERE stack = '${stack}'$`));
        assert.equal(inFlight.metadata.dimensionName, "stack");
        assert.equal(inFlight.metadata.dimensionValue, stack);
      }
      for (const { spec } of manifests(plan, "Deployment")) {
        const settings = spec.template.spec.containers[0].env;
        // Placeholders have no settings.
        if (settings === undefined) continue;
        assert.deepEqual(
          settings.filter(({ name }: { name: string }) => name === "STACK"),
          [{ name: "STACK", value: stack }],
        );
      }
    }
  });

  it("tag everything in AWS with project and stack", async () => {
    const plan = await planOf("prod", "tags={team: images}");
    const provider = plan.document.resources.find(({ type }) => type === "pulumi:providers:aws")!;
    // A provider's inputs are texts on the wire.
    const { tags } = JSON.parse(String(provider.inputs.defaultTags));
    assert.deepEqual(tags, {
      "diffusion-fleet:project": "diffusion-fleet",
      "diffusion-fleet:stack": "prod",
      team: "images",
    });
    for (const { spec } of manifests(plan, "EC2NodeClass"))
      assert.equal(spec.tags["diffusion-fleet:stack"], "prod");
    for (const { spec } of manifests(plan, "LoadBalancerConfiguration"))
      assert.equal(spec.tags["diffusion-fleet:stack"], "prod");
  });
});
