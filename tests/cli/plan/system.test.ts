import assert from "node:assert/strict";
import type { PlannedResource } from "../../../cli/plan/document";
import { sharesOf, systemOf } from "../../../cli/plan/system";
import { MODEL_LABEL, RUNTIME_LABEL, UNIT_LABEL } from "../../../contracts/labels";
import { summaryOf } from "../fixtures/summary";

function object(kind: string, name: string, rest: Record<string, unknown>): PlannedResource {
  const inputs = {
    apiVersion: "v1",
    kind,
    metadata: { name, labels: { [UNIT_LABEL]: name } },
    ...rest,
  };
  return {
    urn: `${kind}::${name}`,
    type: `kubernetes:v1:${kind}`,
    name,
    parent: null,
    inputs,
    dependencies: [],
  };
}

const unit = (name: string, device: string) => [
  object("Deployment", name, {
    spec: {
      template: {
        metadata: { labels: { [UNIT_LABEL]: name, [MODEL_LABEL]: "sd21" } },
        spec: { containers: [{ resources: { limits: { [device]: "1", memory: "1Gi" } } }] },
      },
    },
  }),
  object("Service", name, { spec: { selector: { [UNIT_LABEL]: name } } }),
  object("NodePool", name, {
    spec: {
      limits: { [device]: "5" },
      template: {
        spec: {
          requirements: [
            { key: "node.kubernetes.io/instance-type", operator: "In", values: ["inf2.xlarge"] },
          ],
        },
      },
    },
  }),
  object("ScaledObject", name, { spec: { minReplicaCount: 1, maxReplicaCount: 4 } }),
];

const fleet = [
  ...unit("one", "aws.amazon.com/neuron"),
  ...unit("two", "nvidia.com/gpu"),
  object("Service", "all", { spec: { selector: { [MODEL_LABEL]: "sd21" } } }),
];

const routeTo = (carrying: object[], standby: object[]) =>
  object("HTTPRoute", "sd21", {
    spec: {
      rules: [
        { matches: [{ headers: [{ name: "x-standby", value: "1" }] }], backendRefs: standby },
        { matches: [{ path: { value: "/" } }], backendRefs: carrying },
      ],
    },
  });

const byWeight = [
  { name: "one", weight: 60 },
  { name: "two", weight: 40 },
];
const overAll = [{ name: "all", weight: 1 }];

function planned(type: string, name: string, inputs: Record<string, unknown>): PlannedResource {
  return { urn: `${type}::${name}`, type, name, parent: null, inputs, dependencies: [] };
}

const metadata = { labels: { [RUNTIME_LABEL]: "drafts" } };
const api = planned("aws:apigateway/restApi:RestApi", "task-api", {
  endpointConfiguration: { types: "PRIVATE" },
});
const runtime = [
  object("Deployment", "drafts", {
    spec: {
      template: {
        metadata,
        spec: {
          initContainers: [{ resources: { limits: { "nvidia.com/gpu": "1" } } }],
          containers: [{ resources: { limits: { memory: "1Gi" } } }],
          volumes: [{ name: "models", persistentVolumeClaim: { claimName: "models" } }],
        },
      },
    },
  }),
  object("ScaledObject", "drafts", { metadata, spec: { minReplicaCount: 0, maxReplicaCount: 9 } }),
  planned("aws:sns/topicSubscription:TopicSubscription", "tasks-others", {
    filterPolicy: '{"runtime":["others"]}',
  }),
  planned("aws:sns/topicSubscription:TopicSubscription", "tasks-drafts", {
    filterPolicy: '{"runtime":["drafts"]}',
  }),
  planned("aws:sns/topicSubscription:TopicSubscription", "mail", {}),
];

describe("the system that a plan builds", () => {
  it("joins each unit with its devices, machines and bounds", () => {
    const { units } = systemOf(fleet, summaryOf("cost"));
    assert.deepEqual(units.map(({ summary: _, ...rest }) => rest)[0], {
      name: "one",
      model: "sd21",
      devices: "1 neuron",
      machines: "inf2.xlarge",
      capacity: undefined,
      limit: "5 neuron",
      minReplicas: 1,
      maxReplicas: 4,
    });
    assert.equal(units[0]?.summary?.weight, 60);
    assert.deepEqual(
      units.map(({ name }) => name),
      ["one", "two"],
    );
  });

  it("sends traffic by the rule without a header match, to the units behind each Service", () => {
    const [cost] = systemOf([...fleet, routeTo(byWeight, overAll)], summaryOf("cost")).routes;
    assert.deepEqual(cost?.backends, [
      { service: "one", weight: 60, units: ["one"] },
      { service: "two", weight: 40, units: ["two"] },
    ]);
    const [capacity] = systemOf(
      [...fleet, routeTo(overAll, byWeight)],
      summaryOf("capacity"),
    ).routes;
    assert.deepEqual(capacity?.backends, [{ service: "all", weight: 1, units: ["one", "two"] }]);
  });

  it("joins each runtime with the queue that gets its tasks, and with its devices and bounds", () => {
    const { tasks, units } = systemOf([...fleet, api, ...runtime], summaryOf("cost"));
    assert.equal(tasks?.endpoint, "private");
    const [drafts, ...others] = tasks?.runtimes ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual(
      [drafts?.name, drafts?.queue, drafts?.devices, drafts?.minReplicas, drafts?.maxReplicas],
      ["drafts", "tasks-drafts", "1 gpu", 0, 9],
    );
    assert.equal(drafts?.readsModels, true);
    assert.equal(units.length, 2, "a runtime is no unit");
  });

  it("has no asynchronous path where there is no API", () => {
    assert.equal(systemOf(fleet, summaryOf("cost")).tasks, undefined);
  });

  it("gives a unit the share that the routes give it, or none of its own", () => {
    const [one] = summaryOf("cost").units as [never];
    assert.equal(sharesOf([routeTo([{ name: "one", weight: 7 }], overAll)])(one), "7");
    assert.equal(sharesOf([routeTo(overAll, byWeight)])(one), "–");
    assert.equal(sharesOf([])(one), "60");
  });
});
