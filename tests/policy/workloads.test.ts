import { ruleSuite } from "./ruleSuite";
import { subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const ofPod = (spec: Props, labels: unknown = {}, more: Props = {}) =>
  subject("kubernetes:apps/v1:Deployment", {
    metadata: { name: "tasks", namespace: "fleet" },
    spec: { ...more, template: { metadata: { labels }, spec } },
  });
/** A Deployment of one container called `server`. */
const server = (container: Props, pod: Props = {}) =>
  ofPod({ ...pod, containers: [{ name: "server", ...container }] });

const resources = { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1Gi" } };

ruleSuite("container-requests", {
  passes: {
    "requests for both and a limit for memory": { of: server({ resources }) },
    "a job's": {
      of: subject("kubernetes:batch/v1:CronJob", {
        spec: {
          jobTemplate: { spec: { template: { spec: { containers: [{ name: "a", resources }] } } } },
        },
      }),
    },
  },
  fails: {
    "a container without any": {
      of: server({}),
      says: [
        /container server has no resources\.requests\.cpu/,
        /requests\.memory/,
        /limits\.memory/,
      ],
    },
    "an initial container without": {
      of: ofPod({
        initContainers: [{ name: "fetch", resources: { ...resources, limits: { cpu: "1" } } }],
        containers: [{ name: "server", resources }],
      }),
      says: [/container fetch has no resources\.limits\.memory/],
    },
    "a pod's by itself": {
      of: subject("kubernetes:core/v1:Pod", {
        spec: { containers: [{ name: "a", resources: { ...resources, requests: { cpu: 1 } } }] },
      }),
      says: [/container a has no resources\.requests\.memory/],
    },
    "a cron job's": {
      of: subject("kubernetes:batch/v1:CronJob", {
        spec: {
          jobTemplate: {
            spec: {
              template: { spec: { containers: [{ resources: { requests: resources.requests } }] } },
            },
          },
        },
      }),
      says: [/limits\.memory/],
    },
  },
  unknown: {
    "containers that are not known": { of: ofPod({ containers: unknown }) },
    "resources that are not known": { of: server({ resources: unknown }) },
    "requests that are not known": {
      of: server({ resources: { ...resources, requests: unknown } }),
    },
    "a limit of a size that is not known: there is one": {
      of: server({ resources: { ...resources, limits: { memory: unknown } } }),
      comesOut: "passes",
    },
  },
});

const probed = { readinessProbe: { httpGet: {} }, livenessProbe: { httpGet: {} } };
const headroom = { "app.kubernetes.io/component": "headroom" };

ruleSuite("container-probes", {
  passes: {
    "a server with both": { of: server(probed) },
    "an initial container that ends": {
      of: ofPod({
        initContainers: [{ name: "fetch" }],
        containers: [{ name: "server", ...probed }],
      }),
    },
    "a placeholder that does nothing": { of: ofPod({ containers: [{ name: "pause" }] }, headroom) },
    "a capacity probe, which is a placeholder too": {
      of: ofPod(
        { containers: [{ name: "pause" }] },
        { "app.kubernetes.io/component": "capacity-probe" },
      ),
    },
  },
  fails: {
    "a server without": {
      of: server({}),
      says: [/container server has no readinessProbe/, /container server has no livenessProbe/],
    },
    "a server without one": {
      of: server({ ...probed, livenessProbe: undefined }),
      says: [/container server has no livenessProbe/],
    },
    "a sidecar, which is written as an initial container": {
      of: ofPod({
        initContainers: [
          { ...probed, name: "proxy", restartPolicy: "Always", readinessProbe: null },
        ],
        containers: [{ name: "server", ...probed }],
      }),
      says: [/container proxy has no readinessProbe/],
    },
    "a placeholder where none are expected": {
      of: ofPod({ containers: [{ ...probed, name: "pause", livenessProbe: null }] }, headroom),
      config: { componentsWithoutTraffic: [] },
      says: [/container pause has no livenessProbe/],
    },
  },
  unknown: {
    "containers that are not known": { of: ofPod({ containers: unknown }) },
    "a component that is not known": {
      of: ofPod({ containers: [] }, { ...headroom, "app.kubernetes.io/component": unknown }),
    },
    "a probe that is not known: there is one": {
      of: server({ ...probed, livenessProbe: unknown }),
      comesOut: "passes",
    },
  },
});

ruleSuite("container-non-root", {
  passes: {
    "a container that says so": { of: server({ securityContext: { runAsNonRoot: true } }) },
    "a pod that says so": {
      of: server({}, { securityContext: { runAsNonRoot: true, runAsUser: 10001 } }),
    },
  },
  fails: {
    "a container by default": {
      of: server({}),
      says: [/may run as root: runAsNonRoot is not true/],
    },
    "a container that says otherwise than its pod": {
      of: server(
        { securityContext: { runAsNonRoot: false } },
        { securityContext: { runAsNonRoot: true } },
      ),
      says: [/container server may run as root/],
    },
    "user 0": {
      of: server({ securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
      says: [/container server runs as user 0/],
    },
    "user 0 of the pod": {
      of: server(
        { securityContext: null },
        { securityContext: { runAsNonRoot: true, runAsUser: 0 } },
      ),
      says: [/container server runs as user 0/],
    },
    "a text in place of a boolean, which Kubernetes refuses": {
      of: server({ securityContext: { runAsNonRoot: "true" } }),
      says: [/runAsNonRoot is not true/],
    },
  },
  unknown: {
    "a pod's settings that are not known": { of: server({}, { securityContext: unknown }) },
    "a container's that are not known": { of: server({ securityContext: unknown }) },
    "a user that is not known": {
      of: server({ securityContext: { runAsNonRoot: true, runAsUser: unknown } }),
    },
  },
});

const confined = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
const with_ = (more: Props, pod: Props = {}) =>
  server({ securityContext: { ...confined, ...more } }, pod);

ruleSuite("container-confined", {
  passes: {
    "a container that is": { of: with_({}) },
    "a container under its pod's seccomp profile": {
      of: with_(
        { seccompProfile: undefined },
        { securityContext: { seccompProfile: { type: "Localhost" } } },
      ),
    },
    "a container that may listen on low ports": {
      of: with_({ capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } }),
    },
    "a folder that goes with the pod": {
      of: with_({}, { volumes: [{ name: "scratch", emptyDir: {} }] }),
    },
  },
  fails: {
    "a container by default": {
      of: server({}),
      says: [
        /allowPrivilegeEscalation is not false/,
        /drop does not name ALL/,
        /no seccompProfile/,
      ],
    },
    "the node's namespaces": {
      of: with_({}, { hostNetwork: true, hostPID: true, hostIPC: true }),
      says: [/hostNetwork is true/, /hostPID is true/, /hostIPC is true/],
    },
    "the node's folders": {
      of: with_({}, { volumes: [{ name: "devices", hostPath: { path: "/dev" } }] }),
      says: [/the volume devices is a folder of the node/],
    },
    "a privileged container": {
      of: with_({ privileged: true }),
      says: [/container server is privileged/],
    },
    "some capabilities dropped": {
      of: with_({ capabilities: { drop: ["NET_RAW"] } }),
      says: [/container server keeps capabilities/],
    },
    "`all` in lower case, which Kubernetes' own standard refuses": {
      of: with_({ capabilities: { drop: ["all"] } }),
      says: [/drop does not name ALL/],
    },
    "capabilities added": {
      of: with_({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN", "NET_BIND_SERVICE"] } }),
      says: [/container server adds SYS_ADMIN/],
    },
    "no seccomp, against the pod's profile": {
      of: with_(
        { seccompProfile: { type: "Unconfined" } },
        { securityContext: { seccompProfile: { type: "RuntimeDefault" } } },
      ),
      says: [/no seccompProfile/],
    },
  },
  unknown: {
    "a container's settings that are not known": { of: server({ securityContext: unknown }) },
    "a privilege that is not known": { of: with_({ privileged: unknown }) },
    "capabilities that are not known": { of: with_({ capabilities: { drop: [unknown] } }) },
    "volumes that are not known": { of: with_({}, { volumes: unknown }) },
    "a namespace that is not known": { of: with_({}, { hostNetwork: unknown }) },
    "a seccomp profile that is not known": { of: with_({ seccompProfile: { type: unknown } }) },
  },
});

ruleSuite("container-read-only-root", {
  passes: {
    "a container that says so": {
      of: server({ securityContext: { readOnlyRootFilesystem: true } }),
    },
  },
  fails: {
    "a container by default": {
      of: server({}),
      says: [/container server may write to its own files/],
    },
  },
  unknown: {
    "a container of which it is not known": {
      of: server({ securityContext: { readOnlyRootFilesystem: unknown } }),
    },
  },
});

const env = (name: string, more: Props = { value: "x" }) => server({ env: [{ name, ...more }] });

const hosted = (environment: unknown) =>
  subject("aws:sagemaker/model:Model", { primaryContainer: { environment } });

ruleSuite("no-secret-in-plain-text", {
  passes: {
    "a setting of a hosted model": { of: hosted({ MODEL: "sdxl", MAX_TOKENS: "77" }) },
    "a hosted model's variable that is empty": { of: hosted({ HF_TOKEN: "" }) },
    "a setting": { of: env("MODEL") },
    "a number of tokens": { of: env("MAX_TOKENS") },
    "the name of a secret's key": { of: env("TOKEN_PATH") },
    "a name that is known to hold none": {
      of: env("STOP_TOKEN"),
      config: { notSecret: ["STOP_TOKEN"] },
    },
    "a secret by reference": {
      of: env("HF_TOKEN", { valueFrom: { secretKeyRef: { name: "hf", key: "token" } } }),
    },
  },
  fails: {
    "a secret of a hosted model": {
      of: hosted({ HF_TOKEN: "x" }),
      says: [/container of the model has HF_TOKEN as plain text/],
    },
    "a secret of an inference component": {
      of: subject("aws-native:sagemaker:InferenceComponent", {
        specification: { container: { environment: { HF_TOKEN: "x" } } },
      }),
      says: [/container of the model has HF_TOKEN as plain text/],
    },
    "secrets by the names they usually have": {
      of: server({
        env: [
          "HF_TOKEN",
          "PGPASSWORD",
          "db_password",
          "AWS_SECRET_ACCESS_KEY",
          "DJANGO_SECRET_KEY",
          "API_KEY",
          "CLIENT_SECRET",
        ].map((name) => ({ name, value: "x" })),
      }),
      says: [
        /container server has HF_TOKEN as plain text/,
        /PGPASSWORD/,
        /db_password/,
        /AWS_SECRET_ACCESS_KEY/,
        /DJANGO_SECRET_KEY/,
        /API_KEY/,
        /CLIENT_SECRET/,
      ],
    },
  },
  unknown: {
    "settings that are not known": { of: server({ env: unknown }) },
    "settings of a hosted model that are not known": { of: hosted(unknown) },
    "a setting's name that is not known": { of: env(unknown) },
    "a secret that is not known, or not shown: it is there": {
      of: env("HF_TOKEN", { value: "<secret>" }),
      comesOut: "refused",
    },
    "a setting that is not known: its name is no secret's": {
      of: env("MODEL_URL", { value: unknown }),
      comesOut: "passes",
    },
  },
});

const enforce = "pod-security.kubernetes.io/enforce";
const namespace = (labels?: unknown) =>
  subject("kubernetes:core/v1:Namespace", { metadata: { name: "fleet", labels } });

ruleSuite("namespace-pod-security", {
  passes: {
    "a namespace that restricts": { of: namespace({ [enforce]: "restricted" }) },
    "one that restricts less, where that is enough": {
      of: namespace({ [enforce]: "baseline" }),
      config: { levels: ["restricted", "baseline"] },
    },
  },
  fails: {
    "a namespace by default": { of: namespace(), says: [/enforce is not set/] },
    "a namespace that only warns": {
      of: namespace({ "pod-security.kubernetes.io/warn": "restricted" }),
      says: [/enforce is not set/],
    },
    "a namespace that restricts less": {
      of: namespace({ [enforce]: "baseline" }),
      says: [/enforce is baseline/],
    },
  },
  unknown: {
    "a level that is not known": { of: namespace({ [enforce]: unknown }) },
    "labels that are not known": { of: namespace(unknown) },
  },
});

const labels = { unit: "inf2", tier: "realtime" };
const replicas = (replicas: unknown, podLabels: unknown = labels) =>
  ofPod({}, podLabels, { replicas });
const budget = (spec: Props, in_ = "fleet") =>
  subject("kubernetes:policy/v1:PodDisruptionBudget", {
    metadata: { name: "inf2", namespace: in_ },
    spec,
  });
const chosen = { selector: { matchLabels: { unit: "inf2" } } };
const scaledTo = (maxReplicaCount: unknown) =>
  subject("kubernetes:keda.sh/v1alpha1:ScaledObject", {
    metadata: { namespace: "fleet" },
    spec: { maxReplicaCount, scaleTargetRef: { name: "tasks" } },
  });
const missing = [/can have two replicas and has no PodDisruptionBudget/];

ruleSuite("pod-disruption-budget", {
  passes: {
    "replicas with a budget": {
      of: replicas(2),
      among: [budget({ ...chosen, maxUnavailable: 1 })],
    },
    "replicas with a budget by expressions": {
      of: replicas(2),
      among: [
        budget({
          minAvailable: 1,
          selector: {
            matchExpressions: [
              { key: "unit", operator: "In", values: ["inf2"] },
              { key: "tier", operator: "NotIn", values: ["batch"] },
              { key: "tier", operator: "Exists" },
              { key: "canary", operator: "DoesNotExist" },
            ],
          },
        }),
      ],
    },
    "one replica": { of: replicas(1) },
    "one replica by default": { of: replicas(undefined) },
    "replicas that are there to make way": { of: replicas(3, headroom) },
    "replicas that an autoscaler keeps at one": { of: replicas(5), among: [scaledTo(1)] },
  },
  fails: {
    "replicas without": { of: replicas(2), says: missing },
    "replicas that an autoscaler adds": { of: replicas(1), among: [scaledTo(4)], says: missing },
    "replicas that KEDA's default adds": {
      of: replicas(1),
      among: [scaledTo(undefined)],
      says: missing,
    },
    "replicas that the older autoscaler adds": {
      of: replicas(1),
      among: [
        subject("kubernetes:autoscaling/v1:HorizontalPodAutoscaler", {
          metadata: { namespace: "fleet" },
          spec: { maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "tasks" } },
        }),
      ],
      says: missing,
    },
    "a budget for other pods": {
      of: replicas(2),
      among: [budget({ maxUnavailable: 1, selector: { matchLabels: { unit: "trn1" } } })],
      says: missing,
    },
    "a budget that chooses no pods": {
      of: replicas(2),
      among: [budget({ maxUnavailable: 1, selector: {} })],
      says: missing,
    },
    "a budget of another namespace": {
      of: replicas(2),
      among: [budget({ ...chosen, maxUnavailable: 1 }, "other")],
      says: missing,
    },
    "a budget that lets no pod go": {
      of: replicas(2),
      among: [
        budget({ ...chosen, maxUnavailable: 0 }),
        budget({ ...chosen, maxUnavailable: "0%" }),
        budget({ ...chosen, minAvailable: "100%" }),
        budget({ ...chosen, minAvailable: 2 }),
      ],
      says: Array(4).fill(/the budget inf2 lets no pod go/),
    },
  },
  unknown: {
    "replicas of which nobody knows how many": { of: replicas(unknown) },
    "an autoscaler's maximum that is not known": { of: replicas(1), among: [scaledTo(unknown)] },
    "a budget's selector that is not known": {
      of: replicas(2),
      among: [budget({ selector: unknown, maxUnavailable: 1 })],
    },
    "a budget that is not known": {
      of: replicas(2),
      among: [budget({ ...chosen, maxUnavailable: unknown })],
    },
    "a pod's label that is not known": {
      of: replicas(2, { unit: unknown }),
      among: [budget({ ...chosen, maxUnavailable: 1 })],
    },
  },
});
