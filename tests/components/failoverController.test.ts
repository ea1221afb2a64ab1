import assert from "node:assert/strict";
import {
  FailoverController,
  type FailoverControllerArgs,
} from "../../components/failoverController";
import { systemPlacement } from "../../components/systemNodes";
import { failoverSettingsSchema } from "../../contracts/failover";
import { construct, type Registry, scope, someCluster } from "../mocks";

const topic = {
  arn: "arn:aws:sns:us-west-2:123456789012:alarms",
  keyArn: "arn:aws:kms:us-west-2:123456789012:key/1",
};

function create(more: Pick<FailoverControllerArgs, "topic"> = { topic }): Promise<Registry> {
  return construct(() => {
    const cluster = someCluster();
    new FailoverController(
      "failover-controller",
      {
        scope,
        namespace: "fleet",
        cluster,
        placement: systemPlacement,
        image: "registry.example/failover-controller:0.1.0",
        settings: failoverSettingsSchema.parse({}),
        targets: { routes: ["sd21"], scaledObjects: ["sd21-inf2"], probes: [] },
        ...more,
      },
      { providers: { kubernetes: cluster.provider } },
    );
  });
}

const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";

// biome-ignore lint/suspicious/noExplicitAny: tests look into manifests by path
function podOf(made: Registry): any {
  return made.one(DEPLOYMENT).inputs.spec.template.spec;
}

function environment(made: Registry): Record<string, unknown> {
  return Object.fromEntries(
    podOf(made).containers[0].env.map(
      ({ name, value, valueFrom }: Record<string, { fieldRef?: { fieldPath: string } }>) => [
        name,
        value ?? valueFrom?.fieldRef?.fieldPath,
      ],
    ),
  );
}

describe("FailoverController", () => {
  it("runs twice, on different nodes of the system, and is replaced one by one", async () => {
    const made = await create();
    const { replicas, strategy, selector } = made.one(DEPLOYMENT).inputs.spec;
    const pod = podOf(made);
    assert.equal(replicas, 2);
    assert.deepEqual(strategy.rollingUpdate, { maxSurge: 0, maxUnavailable: 1 });
    const [apart] = pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    assert.equal(apart.topologyKey, "kubernetes.io/hostname");
    assert.deepEqual(apart.labelSelector, selector);
    assert.equal(pod.topologySpreadConstraints[0].topologyKey, "topology.kubernetes.io/zone");
    assert.deepEqual(pod.nodeSelector, systemPlacement.nodeSelector);
    assert.deepEqual(pod.tolerations, systemPlacement.tolerations);
    assert.equal(pod.priorityClassName, "system-cluster-critical");
    const budget = made.one("kubernetes:policy/v1:PodDisruptionBudget").inputs.spec;
    assert.deepEqual([budget.maxUnavailable, budget.selector], [1, selector]);
  });

  it("is told all of its settings, and of the topic only where it may publish to it", async () => {
    const expected = {
      NAMESPACE: "metadata.namespace",
      POD_NAME: "metadata.name",
      STACK: "dev",
      STACK_LABEL_VALUE: "dev",
      PORT: "8080",
      LOG_LEVEL: "info",
      AWS_REGION: "us-west-2",
      NODE_OPTIONS: "--max-old-space-size=64 --max-semi-space-size=2",
    };
    assert.deepEqual(environment(await create()), { ...expected, TOPIC_ARN: topic.arn });
    const silent = await create({});
    assert.deepEqual(environment(silent), expected);
    assert.deepEqual(
      silent.statements().map(({ statement }) => statement.Action),
      ["cloudwatch:PutMetricData"],
    );
  });

  it("may publish to its metric namespace and its topic, by that topic's key, and no more", async () => {
    const statements = (await create()).statements().map(({ statement }) => statement);
    assert.deepEqual(
      statements.map(({ Action, Resource }) => [Action, Resource]),
      [
        ["cloudwatch:PutMetricData", "*"],
        ["sns:Publish", topic.arn],
        [["kms:GenerateDataKey", "kms:Decrypt"], topic.keyArn],
      ],
    );
    assert.deepEqual(statements[0]?.Condition, {
      StringEquals: { "cloudwatch:namespace": "hw-agnostic-infer" },
    });
  });

  it("has its token by its pod alone, and no way to change its files or gain rights", async () => {
    const made = await create();
    const account = made.one("kubernetes:core/v1:ServiceAccount").inputs;
    assert.equal(account.automountServiceAccountToken, false);
    const pod = podOf(made);
    assert.equal(pod.automountServiceAccountToken, true);
    assert.equal(pod.serviceAccountName, account.metadata.name);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.containers[0].securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("has under 128 MiB, and is asked whether it lives and is ready", async () => {
    const [container] = podOf(await create()).containers;
    assert.deepEqual(container.resources, {
      requests: { cpu: "50m", memory: "96Mi" },
      limits: { memory: "128Mi" },
    });
    assert.deepEqual(container.readinessProbe.httpGet, { path: "/readiness", port: "http" });
    assert.deepEqual(container.livenessProbe.httpGet, { path: "/health", port: "http" });
    assert.deepEqual(container.ports, [{ name: "http", containerPort: 8080, protocol: "TCP" }]);
  });

  it("reads settings that it can parse", async () => {
    const { data } = (await create()).one(CONFIG_MAP, "failover-settings").inputs;
    const settings = failoverSettingsSchema.parse(JSON.parse(data["settings.json"]));
    assert.deepEqual(settings, failoverSettingsSchema.parse({}));
  });

  it("finds its status and its Lease made, with nothing in them that Pulumi owns", async () => {
    const made = await create();
    const lease = made.one("kubernetes:coordination.k8s.io/v1:Lease");
    for (const { inputs } of [made.one(CONFIG_MAP, "failover-status"), lease])
      assert.deepEqual(Object.keys(inputs).sort(), ["apiVersion", "kind", "metadata"]);
    assert.ok(made.waitsFor(made.one(DEPLOYMENT), lease));
  });

  it("starts with its rights and ends before they do", async () => {
    const made = await create();
    const deployment = made.one(DEPLOYMENT);
    for (const type of [
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
      "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    ])
      for (const right of made.ofType(type)) assert.ok(made.waitsFor(deployment, right), type);
  });
});
