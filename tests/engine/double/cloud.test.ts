import assert from "node:assert/strict";
import { UNKNOWN, type WireObject } from "../../../cli/plan/wire";
import { Cloud, INJECTED_FAILURE } from "./cloud";
import { Provider } from "./provider";

const urn = (type: string, name: string) => `urn:pulumi:dev::diffusion-fleet::${type}::${name}`;
const queue = urn("aws:sqs/queue:Queue", "tasks");
const cluster = urn("aws:eks/cluster:Cluster", "cluster");
const namespace = urn("kubernetes:core/v1:Namespace", "models");
const configMap = urn("kubernetes:core/v1:ConfigMap", "models");
const inNamespace: WireObject = { metadata: { name: "models", namespace: "models" } };

describe("The provider double", () => {
  let cloud: Cloud;
  let provider: Provider;

  beforeEach(() => {
    cloud = new Cloud();
    provider = new Provider(cloud);
  });

  it("computes ids and ARNs in the shapes of their services", () => {
    const { id, properties } = provider.create(queue, { namePrefix: "tasks-" });
    assert.match(
      id,
      /^https:\/\/sqs\.us-west-2\.amazonaws\.com\/123456789012\/tasks-[0-9a-f]{26}$/,
    );
    assert.match(String(properties.arn), /^arn:aws:sqs:us-west-2:123456789012:tasks-[0-9a-f]{26}$/);
  });

  it("knows no output in a preview, and makes nothing", () => {
    const { arn, url } = provider.previewCreate(queue, { name: "tasks" });
    assert.deepEqual([arn, url], [UNKNOWN, UNKNOWN]);
    assert.deepEqual(cloud.objects, []);
  });

  it("refuses an unknown value where something is really made or changed", () => {
    assert.throws(() => provider.create(queue, { name: UNKNOWN }), /unknown input/);
    const { id } = provider.create(queue, { name: "tasks" });
    assert.throws(() => provider.update(queue, id, { delaySeconds: UNKNOWN }), /unknown input/);
  });

  it("refuses a second object with the same name, whoever wants it", () => {
    provider.create(queue, { name: "tasks" });
    const other = urn("aws:sqs/queue:Queue", "other");
    assert.throws(() => provider.create(other, { name: "tasks" }), /exists already/);
    assert.equal(cloud.births(queue), 1);
  });

  it("refuses to change or delete what is not there", () => {
    assert.throws(() => provider.update(queue, "tasks", {}), /there is no/);
    assert.throws(() => provider.delete(queue, "tasks"), /there is no/);
  });

  it("takes Kubernetes objects only while there is a cluster, and ends them with it", () => {
    assert.throws(() => provider.create(configMap, inNamespace), /no cluster/);
    const { id } = provider.create(cluster, { name: "fleet" });
    provider.create(configMap, inNamespace);
    provider.delete(cluster, id);
    assert.deepEqual(cloud.objects, []);
  });

  it("ends what is in a namespace with the namespace", () => {
    provider.create(cluster, { name: "fleet" });
    const { id } = provider.create(namespace, { metadata: { name: "models" } });
    provider.create(configMap, inNamespace);
    provider.delete(namespace, id);
    assert.deepEqual(
      cloud.objects.map((object) => object.urn),
      [cluster],
    );
  });

  it("refuses to end a cluster that guards itself", () => {
    const { id } = provider.create(cluster, { name: "fleet", deletionProtection: true });
    assert.throws(() => provider.delete(cluster, id), /deletion protection is on/);
  });

  it("refuses to end a table that guards itself", () => {
    const table = urn("aws:dynamodb/table:Table", "tasks");
    const { id } = provider.create(table, { name: "tasks", deletionProtectionEnabled: true });
    assert.throws(() => provider.delete(table, id), /deletion protection is on/);
  });

  it("refuses to end a deployment that a stage serves, and a stage that is in a usage plan", () => {
    const deployment = urn("aws:apigateway/deployment:Deployment", "api");
    const stage = urn("aws:apigateway/stage:Stage", "api");
    const plan = urn("aws:apigateway/usagePlan:UsagePlan", "api");
    const deployed = provider.create(deployment, { restApi: "a" });
    const inputs = { restApi: "a", stageName: "prod", deployment: deployed.id };
    const served = provider.create(stage, inputs);
    const planned = provider.create(plan, { apiStages: [{ apiId: "a", stage: "prod" }] });
    assert.throws(() => provider.delete(deployment, deployed.id), /a stage serves it/);
    assert.throws(() => provider.delete(stage, served.id), /in a usage plan/);
    provider.delete(plan, planned.id);
    provider.delete(stage, served.id);
    provider.delete(deployment, deployed.id);
  });

  it("fails at the n-th operation, once, and has then done nothing", () => {
    cloud.failAt(2);
    const { id } = provider.create(queue, { name: "tasks" });
    assert.throws(() => provider.delete(queue, id), new RegExp(INJECTED_FAILURE));
    assert.equal(cloud.objects.length, 1);
    provider.delete(queue, id);
  });

  it("replaces what cannot change, the old one first if both have the same name", () => {
    const role = urn("aws:iam/role:Role", "server");
    const renamed = provider.compare(role, { name: "a" }, { name: "b" });
    assert.deepEqual(renamed.changes, [{ path: "name", kind: "update", replaces: true }]);
    assert.equal(renamed.deleteBeforeReplace, false);
    const group = urn("aws:eks/nodeGroup:NodeGroup", "system");
    const nodes = { clusterName: "fleet", nodeGroupName: "system" };
    const other = provider.compare(
      group,
      { ...nodes, amiType: "AL2023_x86_64_STANDARD" },
      { ...nodes, amiType: "BOTTLEROCKET_x86_64" },
    );
    assert.equal(other.deleteBeforeReplace, true);
  });

  it("replaces what has no name of its own with the new one first, as its users want it", () => {
    const deployment = urn("aws:apigateway/deployment:Deployment", "api");
    provider.create(deployment, { restApi: "a", triggers: { document: "1" } });
    const changed = provider.compare(
      deployment,
      { restApi: "a", triggers: { document: "1" } },
      { restApi: "a", triggers: { document: "2" } },
    );
    assert.ok(changed.changes.some((change) => change.replaces));
    assert.equal(changed.deleteBeforeReplace, false);
  });

  it("puts the provider's tags on what can have tags", () => {
    provider.configure({ defaultTags: JSON.stringify({ tags: { stack: "dev" } }) });
    assert.deepEqual(provider.check(queue, { tags: { own: "1" } }).tags, {
      stack: "dev",
      own: "1",
    });
    const policy = urn("aws:sqs/queuePolicy:QueuePolicy", "tasks");
    assert.equal(provider.check(policy, {}).tags, undefined);
  });

  it("shows drift to whoever reads, and nothing of what is gone", () => {
    const { id } = provider.create(queue, { name: "tasks", tags: { stack: "dev" } });
    cloud.drift(queue, (inputs) => ({ ...inputs, tags: {} }));
    assert.deepEqual(provider.read(queue, id)?.properties.tagsAll, {});
    cloud.lose(queue);
    assert.equal(provider.read(queue, id), undefined);
  });

  it("answers the functions that the program calls, and names the one that it does not know", () => {
    const { accountId } = provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {});
    assert.equal(accountId, "123456789012");
    assert.throws(() => provider.invoke("aws:ec2/getAmi:getAmi", {}), /aws:ec2\/getAmi:getAmi/);
  });
});
