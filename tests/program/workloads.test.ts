import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { FAILOVER_CONTROLLER } from "../../contracts/failover";
import { UNIT_LABEL } from "../../contracts/labels";
import { QUEUE_AGENT } from "../../contracts/tasks/settings";
import { plansOnClusters } from "../python/python";
import { type Manifest, manifest, manifests } from "./planned";

/** A model may take this long to load (seed 001: 5 to 15 minutes). */
const loadingSeconds = 15 * 60;

function unitsOf(plan: Plan): readonly string[] {
  return plan.summary.units.map(({ unit }) => unit);
}

function podsOf(plan: Plan, kind: string): { name: string; pod: Manifest; spec: Manifest }[] {
  return manifests(plan, kind).map(({ metadata, spec }) => ({
    name: metadata.name,
    spec,
    pod: spec.template.spec,
  }));
}

function serversOf(plan: Plan) {
  const units = unitsOf(plan);
  return podsOf(plan, "Deployment").filter(({ name }) => units.includes(name));
}

function seconds(probe: Manifest): number {
  return (probe.initialDelaySeconds ?? 0) + probe.periodSeconds * probe.failureThreshold;
}

describe("Workloads", () => {
  let plans: readonly [string, Plan][];

  before(async () => {
    plans = Object.entries(await plansOnClusters());
  });

  /** Runs a check on every pod of ours in every plan: servers, placeholders for headroom, Jobs. */
  function everyPod(check: (pod: Manifest, name: string) => void): void {
    let checked = 0;
    for (const [, plan] of plans)
      for (const { name, pod } of [...podsOf(plan, "Deployment"), ...podsOf(plan, "Job")]) {
        check(pod, name);
        checked += 1;
      }
    assert.ok(checked > plans.length * 5, "the headroom's pods are among them");
  }

  function everyServer(check: (pod: Manifest, container: Manifest, spec: Manifest) => void): void {
    for (const [stack, plan] of plans) {
      const servers = serversOf(plan);
      assert.equal(servers.length, 5, stack);
      for (const { pod, spec } of servers) {
        assert.equal(pod.containers.length, 1);
        check(pod, pod.containers[0], spec);
      }
    }
  }

  it("run as nobody in particular, with nothing to write to but their volumes", () => {
    everyPod((pod, name) => {
      assert.equal(pod.securityContext.runAsNonRoot, true, name);
      assert.ok(pod.securityContext.runAsUser >= 10_000, name);
      assert.deepEqual(pod.securityContext.seccompProfile, { type: "RuntimeDefault" });
      for (const key of ["hostNetwork", "hostPID", "hostIPC"]) assert.ok(!pod[key], name);
      for (const volume of pod.volumes ?? []) assert.equal(volume.hostPath, undefined, name);
      for (const { securityContext } of [...pod.containers, ...(pod.initContainers ?? [])]) {
        assert.equal(securityContext.readOnlyRootFilesystem, true, name);
        assert.equal(securityContext.allowPrivilegeEscalation, false, name);
        assert.deepEqual(securityContext.capabilities, { drop: ["ALL"] }, name);
        assert.ok(!securityContext.privileged, name);
      }
    });
  });

  it("carry no token of the Kubernetes API, but for the controller that uses it", () => {
    everyPod((pod, name) =>
      assert.equal(pod.automountServiceAccountToken, name === FAILOVER_CONTROLLER, name),
    );
    for (const [, plan] of plans)
      for (const account of manifests(plan, "ServiceAccount"))
        assert.equal(account.automountServiceAccountToken, false);
  });

  it("say what they need, and may take no more memory and devices than that", () => {
    everyPod((pod, name) => {
      for (const { name: container, resources } of [
        ...pod.containers,
        ...(pod.initContainers ?? []),
      ]) {
        const { cpu, "ephemeral-storage": disk, ...bounded } = resources.requests;
        assert.ok(cpu, name);
        if (name === FAILOVER_CONTROLLER) continue;
        if (container === QUEUE_AGENT) {
          assert.deepEqual(resources.limits, bounded, name);
          assert.deepEqual(Object.keys(bounded), ["memory"], "the runtime has the device");
          continue;
        }
        const isPlaceholder = /-(headroom|probe)$/.test(name);
        assert.equal(
          disk,
          isPlaceholder ? undefined : container === "compile" ? "60Gi" : "8Gi",
          name,
        );
        assert.ok(bounded.memory, name);
        assert.equal(Object.keys(bounded).length, 2, `${name}: memory and one kind of device`);
        assert.deepEqual(resources.limits, bounded, name);
      }
    });
  });

  it("are asked for their health at the seed's paths, port, delay and period", () => {
    everyServer((_, container) => {
      const port = container.ports.find(({ name }: Manifest) => name === "http").containerPort;
      assert.equal(port, 8000);
      for (const [probe, path] of [
        [container.readinessProbe, "/readiness"],
        [container.livenessProbe, "/health"],
      ]) {
        assert.deepEqual(probe.httpGet, { path, port: "http" });
        assert.equal(probe.initialDelaySeconds, 60);
        assert.equal(probe.periodSeconds, 10);
        assert.ok(probe.timeoutSeconds < probe.periodSeconds);
      }
    });
  });

  it("may load a model for fifteen minutes before anything restarts them", () => {
    everyServer((_, { startupProbe, ports }, spec) => {
      assert.ok(seconds(startupProbe) >= loadingSeconds);
      assert.equal(startupProbe.httpGet.path, "/readiness");
      assert.equal(startupProbe.httpGet.port, ports[0].name);
      assert.ok(spec.progressDeadlineSeconds >= 20 * 60);
    });
  });

  it("finish their requests before they are killed: grace exceeds deregistration and drain", () => {
    everyServer((pod, container) => {
      const lead = container.lifecycle.preStop.sleep.seconds;
      const drain = Number(
        container.env.find(({ name }: Manifest) => name === "DRAIN_SECONDS").value,
      );
      assert.ok(lead > 0 && drain > 0);
      assert.ok(pod.terminationGracePeriodSeconds > lead + drain);
    });
  });

  it("have their number from the autoscaler alone", () => {
    everyServer((_, __, spec) => assert.ok(!("replicas" in spec)));
  });

  it("do not hold `up` back while models load, or while there are no machines", () => {
    for (const [, plan] of plans)
      for (const { metadata } of manifests(plan, "Deployment"))
        assert.equal(metadata.annotations["pulumi.com/skipAwait"], "true", metadata.name);
  });

  it("keep a unit serving while nodes go: a PodDisruptionBudget for every unit", () => {
    for (const [, plan] of plans)
      for (const unit of unitsOf(plan)) {
        const budget = manifest(plan, "PodDisruptionBudget", unit).spec;
        const { metadata } = manifest(plan, "Deployment", unit).spec.template;
        assert.deepEqual(budget.selector.matchLabels, {
          [UNIT_LABEL]: metadata.labels[UNIT_LABEL],
        });
        assert.equal(budget.maxUnavailable, 1);
        // A budget that needs healthy pods would hold a node with broken ones for ever.
        assert.equal(budget.unhealthyPodEvictionPolicy, "AlwaysAllow");
      }
  });

  it("live in a namespace that refuses any pod with more rights", () => {
    for (const [, plan] of plans) {
      const namespaces = new Set(
        manifests(plan, "Deployment").map(({ metadata }) => metadata.namespace),
      );
      assert.deepEqual([...namespaces], ["diffusion-fleet"]);
      const { labels } = manifest(plan, "Namespace", "diffusion-fleet").metadata;
      assert.equal(labels["pod-security.kubernetes.io/enforce"], "restricted");
    }
  });
});

describe("Kubernetes objects", () => {
  let plans: readonly [string, Plan][];

  before(async () => {
    plans = Object.entries(await plansOnClusters());
  });

  it("of ours all say what they are, whose, and what manages them", () => {
    for (const [, plan] of plans)
      for (const { type, urn, inputs } of plan.document.resources) {
        // Charts and files of others have labels of their own.
        if (!type.startsWith("kubernetes:") || /:helm\.sh\/|:yaml\//.test(type)) continue;
        const { labels } = inputs.metadata as Manifest;
        assert.ok(labels?.["app.kubernetes.io/name"], `${urn} has no name label`);
        assert.equal(labels["app.kubernetes.io/part-of"], "diffusion-fleet", urn);
        assert.ok(labels["app.kubernetes.io/managed-by"], `${urn} has no managed-by label`);
      }
  });

  it("of a unit all carry its name", () => {
    const kinds = [
      "Deployment",
      "Service",
      "ServiceAccount",
      "PodDisruptionBudget",
      "TargetGroupConfiguration",
      "ScaledObject",
      "NodePool",
    ];
    for (const [, plan] of plans)
      for (const unit of unitsOf(plan))
        for (const kind of kinds) {
          const own = manifests(plan, kind).filter(
            ({ metadata }) => metadata.labels[UNIT_LABEL] === unit,
          );
          assert.ok(own.length > 0, `${unit} has no ${kind} with its label`);
        }
  });

  it("have target groups with the seed's figures, for every unit and for every model", () => {
    for (const [, plan] of plans) {
      const models = new Set(plan.summary.units.map(({ model }) => model));
      for (const service of [...unitsOf(plan), ...models]) {
        const { spec } = manifest(plan, "TargetGroupConfiguration", service);
        assert.equal(spec.targetReference.name, service);
        assert.equal(spec.defaultConfiguration.targetType, "ip");
        assert.deepEqual(spec.defaultConfiguration.healthCheckConfig, {
          healthCheckProtocol: "HTTP",
          healthCheckPath: "/health",
          healthCheckInterval: 10,
          healthCheckTimeout: 9,
          healthyThresholdCount: 2,
          unhealthyThresholdCount: 10,
          matcher: { httpCode: "200-301" },
        });
      }
    }
  });
});

describe("Scaling", () => {
  let scaled: readonly { unit: string; stack: string; spec: Manifest; plan: Plan }[];

  before(async () => {
    scaled = Object.values(await plansOnClusters()).flatMap((plan) =>
      unitsOf(plan).map((unit) => ({
        unit,
        stack: plan.document.stack,
        spec: manifest(plan, "ScaledObject", unit).spec,
        plan,
      })),
    );
    assert.equal(scaled.length, Object.keys(await plansOnClusters()).length * 5);
  });

  it("follows the images served in a minute, by the seed's counter", () => {
    for (const { unit, stack, spec } of scaled) {
      const [counter] = spec.triggers;
      assert.equal(counter.type, "aws-cloudwatch");
      assert.equal(
        counter.metadata.expression,
        `SELECT SUM("${unit}-counter") FROM SCHEMA("hw-agnostic-infer", stack) WHERE stack = '${stack}'`,
      );
      // KEDA's own period is 300 s; Metrics Insights aggregates to a minute.
      assert.equal(counter.metadata.metricStatPeriod, "60");
      assert.ok(Number(counter.metadata.targetMetricValue) > 0);
      assert.equal(counter.metricType, "AverageValue");
    }
  });

  it("follows the requests in flight per replica, which saturation does not hide", () => {
    for (const { unit, spec } of scaled) {
      const [, inFlight] = spec.triggers;
      assert.equal(inFlight.type, "aws-cloudwatch");
      assert.equal(inFlight.metadata.expression, undefined, "Metrics Insights has no 10 s");
      assert.equal(inFlight.metadata.metricName, `${unit}-in-flight`);
      assert.equal(inFlight.metadata.metricStat, "Average");
      assert.equal(inFlight.metadata.metricStatPeriod, "10");
      assert.equal(inFlight.metricType, "Value");
      assert.ok(Number(inFlight.metadata.targetMetricValue) > 0);
    }
  });

  it("takes missing data for a failure, and holds the replicas then", () => {
    for (const { spec } of scaled) {
      assert.equal(spec.triggers.length, 2);
      for (const { metadata } of spec.triggers) assert.equal(metadata.ignoreNullValues, "false");
      assert.ok(spec.fallback.failureThreshold >= 1);
      assert.ok(spec.fallback.replicas >= spec.minReplicaCount);
      assert.equal(spec.fallback.behavior, "currentReplicasIfHigher");
    }
  });

  it("asks by KEDA's own identity, which is there", () => {
    for (const { spec, plan } of scaled)
      for (const { authenticationRef } of spec.triggers) {
        assert.equal(authenticationRef.kind, "ClusterTriggerAuthentication");
        const { spec: identity } = manifest(plan, authenticationRef.kind, authenticationRef.name);
        assert.equal(identity.podIdentity.provider, "aws");
      }
  });

  it("goes out at once and in slowly", () => {
    for (const { spec } of scaled) {
      const { scaleUp, scaleDown } = spec.advanced.horizontalPodAutoscalerConfig.behavior;
      assert.equal(scaleUp.stabilizationWindowSeconds, 0);
      assert.equal(scaleUp.selectPolicy, "Max");
      assert.ok(
        scaleUp.policies.some(
          ({ type, value, periodSeconds }: Manifest) =>
            type === "Percent" && value >= 100 && periodSeconds <= 15,
        ),
        "the replicas can double every 15 s",
      );
      assert.ok(scaleDown.stabilizationWindowSeconds >= 300);
      assert.deepEqual(scaleDown.policies, [{ type: "Pods", value: 1, periodSeconds: 60 }]);
    }
  });

  it("never ends below one replica of a unit, nor lets a deleted ScaledObject take pods away", () => {
    for (const { spec } of scaled) {
      assert.ok(spec.minReplicaCount >= 1);
      assert.ok(spec.maxReplicaCount >= spec.minReplicaCount);
      assert.equal(spec.advanced.restoreToOriginalReplicaCount, false);
    }
  });
});
