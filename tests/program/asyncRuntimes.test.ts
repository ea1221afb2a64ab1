import assert from "node:assert/strict";
import { settingsSchema } from "../../apps/queue-agent/settings";
import { headerLines } from "../../cli/plan/header";
import type { Plan } from "../../cli/plan/makePlan";
import { MODEL_LABEL, RUNTIME_LABEL, UNIT_LABEL } from "../../contracts/labels";
import { AGENT_PORT, QUEUE_AGENT } from "../../contracts/tasks/settings";
import { endSeconds, queueTimes, storeSeconds } from "../../fleet/queueing";
import { secondsOf } from "../../stacks/config/scalars";
import { everythingOn, filled, policiesIn } from "../python/python";
import {
  changesBetween,
  type Manifest,
  manifest,
  manifests,
  manifestsOf,
  ofKind,
  ofType,
  planOf,
  planWithSecrets,
  waitsFor,
} from "./planned";

/** A runtime's Deployment, with its two containers. */
interface RuntimePod {
  readonly name: string;
  readonly deployment: Manifest;
  readonly pod: Manifest;
  readonly agent: Manifest;
  readonly server: Manifest;
}

function podsOf(plan: Plan): readonly RuntimePod[] {
  return manifestsOf(plan, "Deployment", RUNTIME_LABEL).map((deployment) => {
    const pod = deployment.spec.template.spec;
    return {
      name: deployment.metadata.name,
      deployment,
      pod,
      agent: pod.containers[0],
      server: pod.initContainers[0],
    };
  });
}

function setting({ env }: Manifest, name: string): string | undefined {
  return env.find((variable: Manifest) => variable.name === name)?.value;
}

function statementsOf(plan: Plan, role: string): readonly Manifest[] {
  return ofType(plan, "aws:iam/rolePolicy:RolePolicy")
    .filter(({ name }) => name === role)
    .flatMap(({ inputs }) => policiesIn(inputs))
    .flatMap((text) => JSON.parse(text).Statement);
}

/** Tags of the logs from which Fluent Bit lifts metrics, by the configuration of its add-on. */
function liftedLogs(plan: Plan): (tag: string) => boolean {
  const addon = ofType(plan, "aws:eks/addon:Addon").find(
    ({ name }) => name === "amazon-cloudwatch-observability",
  );
  const { containerLogs } = JSON.parse(String(addon!.inputs.configurationValues));
  const files: string[] = Object.values(containerLogs.fluentBit.config.extraFiles);
  const patterns = files
    .flatMap((file) => [...file.matchAll(/^ *Match +(\S+)$/gm)])
    .map(([, match]) => match!.replaceAll(".", "\\.").replaceAll("*", ".*"));
  return (tag) => patterns.some((pattern) => new RegExp(`^${pattern}$`).test(tag));
}

describe("The asynchronous path's runtimes", () => {
  let dev: Plan;
  let everything: Plan;
  let pods: readonly RuntimePod[];

  before(async () => {
    dev = await planOf("dev");
    everything = await planOf("prod", ...everythingOn);
    pods = [...podsOf(dev), ...podsOf(everything)];
    assert.equal(pods.length, 4);
  });

  it("are on in dev, from zero, and off in prod, where nothing of them is made", async () => {
    assert.deepEqual(
      manifestsOf(dev, "ScaledObject", RUNTIME_LABEL).map(({ spec }) => spec.minReplicaCount),
      [0],
    );
    const prod = await planOf("prod");
    for (const kind of ["Deployment", "ScaledObject", "NodePool", "PodDisruptionBudget"])
      assert.deepEqual(manifestsOf(prod, kind, RUNTIME_LABEL), []);
    assert.deepEqual(ofType(prod, "aws:dynamodb/table:Table"), []);
    assert.ok(!("taskApi" in prod.document.outputs));
  });

  it("cost nothing while no task waits, and what their replicas cost at most", async () => {
    const off = await planOf("dev", "async.enabled=false");
    const [line] = dev.summary.cost.lines.filter(({ kind }) => kind === "runtime");
    assert.deepEqual(line!.count, { min: 0, max: 4 });
    assert.equal(dev.summary.cost.usd.min, off.summary.cost.usd.min);
    const more = dev.summary.cost.usd.max - off.summary.cost.usd.max;
    assert.ok(Math.abs(more - line!.usd.max) < 1e-9);
    assert.deepEqual(dev.document.violations, []);
    const printed = headerLines(dev.document, dev.summary, (_, text) => text).join("\n");
    assert.match(printed, /^sd21-queue +fleet +g5\.xlarge +spot, on-demand +5 +0–4 +1\.0060$/m);
    assert.match(printed, /runtimes of the queues 0\.00–4\.02/);
  });

  it("have a pod of an agent, and of a runtime that starts before it and outlives it", () => {
    for (const { pod, agent, server, name } of pods) {
      assert.deepEqual([pod.containers.length, pod.initContainers.length], [1, 1], name);
      assert.equal(agent.name, QUEUE_AGENT);
      assert.equal(server.restartPolicy, "Always", "a native sidecar");
    }
  });

  it("give the device to the runtime, and both no more than the machine has for the pod", () => {
    for (const { agent, server, name } of pods) {
      const devices = (container: Manifest) =>
        Object.keys(container.resources.limits).filter((key) => key.includes("/"));
      assert.deepEqual(devices(agent), [], name);
      assert.deepEqual(devices(server), ["nvidia.com/gpu"], name);
    }
    const unit = manifest(dev, "Deployment", "sd21-g5-triton").spec.template.spec.containers[0];
    const [{ agent, server }] = podsOf(dev) as [RuntimePod];
    const mebibytes = (text: string) =>
      Number.parseInt(text, 10) * (text.endsWith("Gi") ? 1024 : 1);
    const memory = (container: Manifest) => mebibytes(container.resources.requests.memory);
    assert.equal(memory(agent) + memory(server), memory(unit));
  });

  it("may load for fifteen minutes, and are asked where each kind answers", () => {
    const paths: Readonly<Record<string, readonly string[]>> = {
      fleet: ["/readiness", "/readiness", "/health"],
      webui: Array(3).fill("/sdapi/v1/memory"),
      comfyui: Array(3).fill("/system_stats"),
    };
    for (const { agent, server, name } of pods) {
      const probes = [server.startupProbe, server.readinessProbe, server.livenessProbe];
      const kind = setting(agent, "ADAPTER")!;
      assert.deepEqual(
        probes.map(({ httpGet }) => httpGet.path),
        paths[kind],
        name,
      );
      for (const { httpGet } of probes) assert.equal(httpGet.port, server.ports[0].name);
      const { periodSeconds, failureThreshold } = server.startupProbe;
      assert.ok(periodSeconds * failureThreshold >= 15 * 60, name);
      assert.equal(
        setting(agent, "RUNTIME_URL"),
        `http://127.0.0.1:${server.ports[0].containerPort}`,
      );
    }
  });

  it("may write into folders of a bounded size, and nowhere else", () => {
    for (const { pod, agent, server, name } of pods) {
      assert.deepEqual(agent.volumeMounts ?? [], [], name);
      assert.equal(server.securityContext.readOnlyRootFilesystem, true);
      const writable = server.volumeMounts.filter((mount: Manifest) => mount.readOnly !== true);
      const volumes = writable.map((mount: Manifest) =>
        pod.volumes.find((volume: Manifest) => volume.name === mount.name),
      );
      assert.equal(volumes.length, 3);
      for (const { emptyDir } of volumes) assert.match(emptyDir.sizeLimit, /^\d+[GM]i$/, name);
    }
  });

  it("ask the agent at a port that its runtime has not", () => {
    for (const { agent, server, name } of pods) {
      assert.equal(agent.ports[0].containerPort, AGENT_PORT);
      assert.equal(setting(agent, "PORT"), String(AGENT_PORT));
      assert.equal(agent.readinessProbe.httpGet.path, "/readiness");
      assert.equal(agent.livenessProbe.httpGet.path, "/health");
      const named = [...agent.ports, ...server.ports].map((port: Manifest) => port.name);
      assert.equal(new Set(named).size, named.length, name);
    }
  });

  it("tell the agent times that fit together, and the pod a grace that is longer", () => {
    for (const { agent, pod, name } of pods) {
      const value = (key: string) => Number(setting(agent, key));
      const longest = value("LONGEST_TASK_SECONDS");
      const times = queueTimes({
        longestTaskSeconds: longest,
        maxAttempts: value("MAX_ATTEMPTS"),
        backlogHours: 48,
        resultDays: 30,
      });
      assert.equal(value("VISIBILITY_SECONDS"), times.visibilitySeconds, name);
      assert.equal(value("HEARTBEAT_SECONDS"), times.heartbeatSeconds);
      assert.equal(value("MAX_RECEIVE_COUNT"), times.maxReceiveCount);
      assert.equal(value("TASK_TTL_SECONDS"), times.recordSeconds);
      assert.ok(value("DRAIN_SECONDS") >= longest + storeSeconds);
      assert.ok(pod.terminationGracePeriodSeconds >= value("DRAIN_SECONDS") + endSeconds);
    }
  });

  it("know their queue, and what the config says of inputs, notices and models", () => {
    const [one] = podsOf(dev) as [RuntimePod];
    assert.equal(setting(one.agent, "QUEUE_URL"), "<output of tasks-sd21-queue.url>");
    assert.equal(
      setting(one.agent, "DEAD_LETTER_QUEUE_URL"),
      "<output of tasks-sd21-queue-dead-letters.url>",
    );
    assert.equal(setting(one.agent, "INPUT_HOSTS"), "");
    assert.equal(setting(one.agent, "NOTIFY_RUNNING"), "false");
    for (const { agent, name } of podsOf(everything)) {
      assert.equal(setting(agent, "INPUT_HOSTS"), "*.example.com");
      assert.equal(setting(agent, "INPUT_BUCKETS"), "inputs-of-ours");
      assert.equal(setting(agent, "NOTIFY_RUNNING"), "true");
      assert.equal(setting(agent, "DYNAMIC_MODEL"), String(name === "webui"));
      assert.equal(setting(agent, "OTEL_EXPORTER_OTLP_ENDPOINT"), "http://collector.tracing:4318");
      const { valueFrom } = agent.env.find((it: Manifest) => it.name === "POD_NAME");
      assert.equal(valueFrom.fieldRef.fieldPath, "metadata.name");
    }
  });

  it("are told all that the agent wants to be told, as it wants it", () => {
    for (const plan of [dev, everything])
      for (const { agent, name } of podsOf(plan)) {
        const told = agent.env.map((it: Manifest) => [it.name, it.value ?? "a-pod"]);
        const settings = JSON.parse(filled(plan, JSON.stringify(Object.fromEntries(told))));
        const { success, error } = settingsSchema.safeParse(settings);
        assert.ok(success, `${name}: ${error?.message}`);
      }
  });

  it("are not chosen by any Service, nor by a unit's budget: no request finds them", () => {
    for (const plan of [dev, everything])
      for (const { deployment } of podsOf(plan)) {
        const { labels } = deployment.spec.template.metadata;
        assert.equal(labels[MODEL_LABEL], undefined);
        assert.equal(labels[UNIT_LABEL], undefined);
        const chosen = (selector: Record<string, string>) =>
          Object.entries(selector).every(([key, value]) => labels[key] === value);
        for (const { spec } of manifests(plan, "Service")) assert.ok(!chosen(spec.selector));
        const budgets = manifests(plan, "PodDisruptionBudget").filter(({ spec }) =>
          chosen(spec.selector.matchLabels),
        );
        assert.equal(budgets.length, 1, "their own");
        assert.equal(budgets[0].spec.maxUnavailable, 1);
        assert.equal(budgets[0].spec.unhealthyPodEvictionPolicy, "AlwaysAllow");
      }
  });

  it("keep Karpenter off a pod for all its life, but hear of what nobody can keep off at once", () => {
    for (const plan of [dev, everything])
      for (const { name, deployment, pod } of podsOf(plan)) {
        const { annotations } = deployment.spec.template.metadata;
        assert.equal(annotations["karpenter.sh/do-not-disrupt"], "true");
        const [pool] = manifestsOf(plan, "NodePool", RUNTIME_LABEL).filter(
          ({ metadata }) => metadata.labels[RUNTIME_LABEL] === name,
        );
        // Karpenter deletes such a pod when the node's time is down to the pod's grace.
        const nodeGrace = secondsOf(pool.spec.template.spec.terminationGracePeriod);
        const untilDeleted = nodeGrace - pod.terminationGracePeriodSeconds;
        assert.ok(untilDeleted >= 0, "it has its whole grace");
        assert.ok(untilDeleted <= 30, "a spot machine is gone after 120 seconds");
      }
  });

  it("scale by the tasks in their queue, in work too, from zero, and hold what there is in doubt", () => {
    const [{ spec }] = manifestsOf(dev, "ScaledObject", RUNTIME_LABEL) as [Manifest];
    assert.deepEqual([spec.minReplicaCount, spec.maxReplicaCount], [0, 4]);
    assert.equal(spec.cooldownPeriod, 300);
    assert.deepEqual(spec.fallback, {
      failureThreshold: 3,
      // KEDA takes a failure for an empty queue where this is 0 (scale_scaledobjects.go).
      replicas: 1,
      behavior: "currentReplicasIfHigher",
    });
    const [trigger] = spec.triggers;
    assert.equal(trigger.type, "aws-sqs-queue");
    assert.equal(trigger.metadata.queueURL, "<output of tasks-sd21-queue.url>");
    assert.equal(trigger.metadata.queueLength, "5");
    assert.equal(trigger.metadata.activationQueueLength, "0");
    assert.equal(trigger.metadata.scaleOnInFlight, "true");
    const { kind, name } = trigger.authenticationRef;
    assert.equal(manifest(dev, kind, name).spec.podIdentity.provider, "aws");
    assert.ok(!("replicas" in podsOf(dev)[0]!.deployment.spec), "the autoscaler's alone");
  });

  it("go in slowly, a pod at a time", () => {
    for (const plan of [dev, everything])
      for (const { spec } of manifestsOf(plan, "ScaledObject", RUNTIME_LABEL)) {
        const { scaleDown } = spec.advanced.horizontalPodAutoscalerConfig.behavior;
        assert.ok(scaleDown.stabilizationWindowSeconds >= 300);
        assert.deepEqual(scaleDown.policies, [{ type: "Pods", value: 1, periodSeconds: 60 }]);
      }
  });

  it("are there for planned events", () => {
    const { spec } = manifest(everything, "ScaledObject", "comfyui");
    assert.deepEqual(spec.triggers[1], {
      type: "cron",
      name: "schedule-1",
      metadata: {
        start: "0 8 * * 1-5",
        end: "0 18 * * 1-5",
        timezone: "Europe/Berlin",
        desiredReplicas: "1",
      },
    });
  });

  it("let KEDA read the lengths of their queues, and of no other", () => {
    const read = statementsOf(everything, "keda").filter(({ Action }) => /^sqs:/.test(Action));
    assert.deepEqual(
      read.map(({ Action, Resource }) => [Action, Resource.length]),
      [["sqs:GetQueueAttributes", 3]],
    );
    for (const arn of read[0]!.Resource) assert.match(arn, /^<output of tasks-\w+\.arn>$/);
  });

  it("may work with their own queue, the records, inputs and results, and nothing else", () => {
    for (const { name } of podsOf(everything)) {
      const allowed = Object.fromEntries(
        statementsOf(everything, name).flatMap(({ Action, Resource }) =>
          [Action].flat().map((action: string) => [action, [Resource].flat()]),
        ),
      );
      const queue = [`<output of tasks-${name}.arn>`];
      const results = ["<output of task-results.arn>/*"];
      const { "s3:GetObject": read, "cloudwatch:PutMetricData": metrics, ...rest } = allowed;
      assert.deepEqual(rest, {
        "sqs:ReceiveMessage": queue,
        "sqs:DeleteMessage": queue,
        "sqs:ChangeMessageVisibility": queue,
        "sqs:SendMessage": [`<output of tasks-${name}-dead-letters.arn>`],
        "dynamodb:GetItem": ["<output of task-table.arn>"],
        "dynamodb:PutItem": ["<output of task-table.arn>"],
        "dynamodb:UpdateItem": ["<output of task-table.arn>"],
        "s3:PutObject": results,
        "s3:AbortMultipartUpload": results,
        "s3:DeleteObject": results,
        "s3:ListBucket": [
          "<output of task-results.arn>",
          "<output of task-inputs.arn>",
          "arn:aws:s3:::inputs-of-ours",
        ],
        "sns:Publish": ["<output of task-results.arn>"],
        "kms:GenerateDataKey": ["<output of task-topics.arn>"],
        "kms:Decrypt": ["<output of task-topics.arn>"],
      });
      assert.ok(read?.includes("arn:aws:s3:::inputs-of-ours/*"));
      assert.equal(metrics !== undefined, name === "drafts", "our server publishes its own");
    }
  });

  it("share the realtime path's node classes, volume of the models, and snapshot", async () => {
    const off = await planOf("dev", "async.enabled=false");
    for (const kind of ["EC2NodeClass", "PersistentVolume", "PersistentVolumeClaim"])
      assert.deepEqual(
        manifests(dev, kind).map(({ metadata }) => metadata.name),
        manifests(off, kind).map(({ metadata }) => metadata.name),
      );
    const [claim] = manifests(dev, "PersistentVolumeClaim");
    const [{ pod }] = podsOf(dev) as [RuntimePod];
    const models = pod.volumes.find(({ name }: Manifest) => name === "models");
    assert.equal(models.persistentVolumeClaim.claimName, claim.metadata.name);
    const [machine] = ofType(everything, "aws:ssm/document:Document").map(({ inputs }) =>
      String(inputs.content),
    );
    for (const image of ["queue-agent", "webui@sha256", "docker.io/example/comfyui@sha256"])
      assert.ok(machine!.includes(image), image);
  });

  it("turn on and off without touching the realtime path", async () => {
    const off = await planOf("dev", "async.enabled=false");
    const { updated, deleted } = changesBetween(off, dev);
    assert.deepEqual(deleted, []);
    assert.deepEqual(
      updated.map(({ name }) => name).filter((name) => /^sd21/.test(name)),
      [],
    );
  });

  it("start after their pipeline, machines and controllers, and go before them", () => {
    for (const plan of [dev, everything])
      for (const deployment of ofKind(plan, "Deployment")) {
        const runtime = (deployment.inputs.metadata as Manifest).labels[RUNTIME_LABEL];
        if (runtime === undefined) continue;
        const before = waitsFor(plan, deployment.urn);
        const wanted = plan.document.resources.filter(
          ({ type, name }) =>
            (type === "kubernetes:helm.sh/v3:Release" &&
              /karpenter|mountpoint|nvidia/.test(name)) ||
            (type === "kubernetes:karpenter.sh/v1:NodePool" && name === runtime) ||
            (type === "aws:sqs/queue:Queue" && name === `tasks-${runtime}`) ||
            type === "aws:dynamodb/table:Table",
        );
        assert.ok(wanted.length >= 6);
        for (const { urn } of wanted) assert.ok(before.has(urn), `${runtime} before ${urn}`);
      }
    for (const scaled of ofKind(dev, "ScaledObject")) {
      const before = waitsFor(dev, scaled.urn);
      const [keda] = dev.document.resources.filter(
        ({ type, name }) => type === "kubernetes:helm.sh/v3:Release" && name === "keda",
      );
      assert.ok(before.has(keda!.urn));
    }
  });

  it("keep encrypted settings in a Secret", async () => {
    const plan = await planWithSecrets(
      "dev",
      ["async"],
      "async.runtimes.sd21-queue.env.TOKEN=example",
    );
    const [{ server }] = podsOf(plan) as [RuntimePod];
    assert.equal(setting(server, "TOKEN"), undefined);
    const { name } = server.envFrom[0].secretRef;
    const secrets = manifestsOf(plan, "Secret", RUNTIME_LABEL);
    assert.deepEqual(
      secrets.map(({ metadata, stringData }) => [metadata.name, stringData]),
      [[name, "<secret>"]],
    );
  });

  it("have metrics in their agents' logs, and in no other, that Container Insights is told of", () => {
    for (const plan of [dev, everything]) {
      const lifted = liftedLogs(plan);
      for (const { deployment, agent, server, name } of podsOf(plan)) {
        const { namespace } = deployment.metadata;
        const tag = (container: Manifest) =>
          `application.var.log.containers.${name}-5d9c7b8f6-x2x4z_${namespace}_${container.name}-` +
          `${"0".repeat(64)}.log`;
        assert.ok(lifted(tag(agent)), name);
        assert.ok(!lifted(tag(server)), name);
      }
    }
  });

  it("alarm of dead letters, and of a task that waits for too long", () => {
    const alarms = ofType(dev, "aws:cloudwatch/metricAlarm:MetricAlarm");
    const named = (part: string) => alarms.filter(({ name }) => name === `alarms-${part}`);
    assert.equal(named("runtime-sd21-queue-oldest-task").length, 1);
    assert.equal(named("dead-letters-tasks-sd21-queue").length, 1);
    const queues = ofType(dev, "aws:sqs/queue:Queue").map(({ inputs }) => inputs.name);
    for (const { inputs } of named("runtime-sd21-queue-oldest-task"))
      assert.ok(queues.includes((inputs.dimensions as Manifest).QueueName));
    const [dashboard] = ofType(dev, "aws:cloudwatch/dashboard:Dashboard");
    for (const queue of queues.filter((name) => /sd21-queue/.test(String(name))))
      assert.ok(String(dashboard!.inputs.dashboardBody).includes(`"${queue}"`));
  });

  it("tell where the API, its key, the results and their topic are", () => {
    const { outputs } = dev.document;
    assert.match(String(outputs.taskApi), /^https:\/\/.*execute-api/);
    assert.match(String(outputs.taskApiKey), /^aws apigateway get-api-key --api-key /);
    assert.match(String(outputs.taskResults), /^s3:\/\//);
    assert.ok("taskResultTopic" in outputs);
  });

  it("warn of what keeps tasks waiting: an image that is not there, a KEDA that may not look, and of metrics that nobody collects", async () => {
    assert.ok(dev.summary.warnings.some((text) => /queue agent.*Push it first/.test(text)));
    const digest = `sha256:${"a".repeat(64)}`;
    const pinned = await planOf("dev", `async.agent.digest=${digest}`);
    assert.ok(!pinned.summary.warnings.some((text) => /queue agent/.test(text)));
    const network = {
      vpcId: "vpc-0123456789abcdef0",
      privateSubnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
      publicSubnetIds: [],
    };
    const theirs = await planOf(
      "dev",
      `network.existing=${JSON.stringify(network)}`,
      "cluster.existing={name: theirs, installed: [keda]}",
    );
    assert.ok(theirs.summary.warnings.some((text) => /sqs:GetQueueAttributes/.test(text)));
    assert.ok(theirs.summary.warnings.some((text) => /no metrics.*your cluster's/.test(text)));
    const bare = await planOf("dev", "cluster.addons={}");
    assert.ok(bare.summary.warnings.some((text) => /no metrics.*Observability/.test(text)));
    assert.ok(!dev.summary.warnings.some((text) => /no metrics/.test(text)));
  });
});
