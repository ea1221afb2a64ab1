import assert from "node:assert/strict";
import { type KubernetesObject, Refusal } from "./controlPlane/client";
import { hasSchema, loadBalancerCrdsMissing } from "./controlPlane/crds";
import { environments } from "./environments";
import { describeOnApiServer } from "./onApiServer";
import { firstPod, plannedObjects } from "./plannedObjects";

// biome-ignore lint/suspicious/noExplicitAny: it is a manifest on its way to be spoilt
type Spoilable = any;

/** A mistake that somebody could make, and what the server says to it. */
interface Mistake {
  readonly title: string;
  readonly make: (object: Spoilable) => void;
  /** It names the field. */
  readonly says: RegExp;
}

const container = (deployment: Spoilable) => deployment.spec.template.spec.containers[0];

/** By the kind that they are made in; of the first object of it that they fit. */
const mistakes: Readonly<Record<string, readonly Mistake[]>> = {
  Deployment: [
    {
      title: "a misspelt field",
      make: (deployment) => {
        container(deployment).imagePullPolcy = "Always";
      },
      says: /\.imagePullPolcy: field not declared in schema/,
    },
    {
      title: "a quantity that is none",
      make: (deployment) => {
        container(deployment).resources.requests.memory = "12 GB";
      },
      // Of a kind of its own, the server does not say where.
      says: /quantities must match the regular expression/,
    },
    {
      title: "a selector that its own pods do not match",
      make: ({ spec }) => {
        spec.selector.matchLabels = { app: "another" };
      },
      says: /spec\.template\.metadata\.labels.*`selector` does not match template `labels`/,
    },
    {
      title: "more memory requested than it may have",
      make: (deployment) => {
        container(deployment).resources.limits.memory = "1Mi";
      },
      says: /resources\.requests.*must be less than or equal to memory limit/,
    },
    {
      title: "devices requested without a limit",
      make: (deployment) => {
        container(deployment).resources.limits = {};
      },
      says: /resources\.limits.*Limit must be set for non overcommitable resources/,
    },
    {
      title: "a wait before the stop that is longer than the grace",
      make: ({ spec }) => {
        spec.template.spec.terminationGracePeriodSeconds = 5;
      },
      says: /lifecycle\.preStop\.sleep.*less than terminationGracePeriodSeconds/,
    },
    {
      title: "a mount of a volume that it has not",
      make: (deployment) => {
        container(deployment).volumeMounts[0].name = "nothing";
      },
      says: /volumeMounts\[0\]\.name: Not found: "nothing"/,
    },
    {
      title: "a roll-out that may neither add nor remove a pod",
      make: ({ spec }) => {
        spec.strategy.rollingUpdate = { maxSurge: 0, maxUnavailable: 0 };
      },
      says: /rollingUpdate\.maxUnavailable.*may not be 0 when `maxSurge` is 0/,
    },
    {
      title: "a toleration with an effect that there is not",
      make: ({ spec }) => {
        spec.template.spec.tolerations[0].effect = "NoDisks";
      },
      says: /tolerations\[0\]\.effect/,
    },
  ],
  Service: [
    {
      title: "a port that there is not",
      make: ({ spec }) => {
        spec.ports[0].port = 70_000;
      },
      says: /spec\.ports\[0\]\.port: Invalid value: 70000/,
    },
  ],
  PodDisruptionBudget: [
    {
      title: "both bounds",
      make: ({ spec }) => {
        spec.minAvailable = 1;
        spec.maxUnavailable = 1;
      },
      says: /minAvailable and maxUnavailable cannot be both set/,
    },
  ],
  PersistentVolume: [
    {
      title: "an access mode that there is not",
      make: ({ spec }) => {
        spec.accessModes = ["ReadMany"];
      },
      says: /spec\.accessModes: Unsupported value: "ReadMany"/,
    },
  ],
  NodePool: [
    {
      title: "a taint without an effect",
      make: ({ spec }) => {
        delete spec.template.spec.taints[0].effect;
      },
      says: /spec\.template\.spec\.taints\[0\]\.effect: Required value/,
    },
    {
      title: "a misspelt field",
      make: ({ spec }) => {
        spec.template.spec.startUpTaints = [];
      },
      says: /\.startUpTaints: field not declared in schema/,
    },
    {
      title: "a limit that is no quantity",
      make: ({ spec }) => {
        spec.limits["nvidia.com/gpu"] = "five";
      },
      says: /spec\.limits\.nvidia\.com\/gpu: Invalid value: "five"/,
    },
    {
      title: "a duration in words",
      make: ({ spec }) => {
        spec.disruption.consolidateAfter = "10 minutes";
      },
      says: /spec\.disruption\.consolidateAfter: Invalid value: "10 minutes"/,
    },
    {
      title: "an operator that there is not",
      make: ({ spec }) => {
        spec.template.spec.requirements[0].operator = "Is";
      },
      says: /requirements\[0\]\.operator: Unsupported value: "Is"/,
    },
    {
      title: "a label that is Karpenter's to give (a rule of AWS's provider)",
      make: ({ spec }) => {
        spec.template.metadata.labels["karpenter.k8s.aws/anything"] = "x";
      },
      says: /spec\.template\.metadata\.labels.*label domain "karpenter\.k8s\.aws" is restricted/,
    },
    {
      title: "a budget with a duration and no schedule",
      make: ({ spec }) => {
        spec.disruption.budgets[0].duration = "1h";
      },
      says: /spec\.disruption\.budgets.*'schedule' must be set with 'duration'/,
    },
  ],
  EC2NodeClass: [
    {
      title: "a role and an instance profile",
      make: ({ spec }) => {
        spec.instanceProfile = "profile";
      },
      says: /spec: Invalid value.*exactly one of \['role', 'instanceProfile'\]/,
    },
    {
      title: "an alias beside an AMI",
      make: ({ spec }) => {
        spec.amiSelectorTerms.push({ id: "ami-0123456789abcdef0" });
      },
      says: /spec\.amiSelectorTerms.*'alias' is mutually exclusive/,
    },
    {
      title: "a family that Karpenter does not know",
      make: ({ spec }) => {
        spec.amiSelectorTerms = [{ alias: "debian@v1" }];
      },
      says: /spec\.amiSelectorTerms\[0\]\.alias.*family is not supported/,
    },
    {
      title: "a volume that is larger than EBS has",
      make: ({ spec }) => {
        spec.blockDeviceMappings[1].ebs.volumeSize = "70000Gi";
      },
      says: /blockDeviceMappings\[1\]\.ebs\.volumeSize: Invalid value: "70000Gi"/,
    },
    {
      title: "a rate of initialisation without a snapshot",
      make: ({ spec }) => {
        spec.blockDeviceMappings[0].ebs.volumeInitializationRate = 300;
      },
      says: /blockDeviceMappings\[0\]\.ebs.*snapshotID must be set/,
    },
    {
      title: "an unfilled placeholder for a security group",
      make: ({ spec }) => {
        spec.securityGroupSelectorTerms[0].id = "<output of cluster.clusterSecurityGroupId>";
      },
      says: /spec\.securityGroupSelectorTerms\[0\]\.id: Invalid value/,
    },
    {
      title: "a tag that is Karpenter's to give",
      make: ({ spec }) => {
        spec.tags["karpenter.sh/nodepool"] = "x";
      },
      says: /spec\.tags.*restricted tag matching karpenter\.sh\/nodepool/,
    },
  ],
  ScaledObject: [
    {
      title: "a misspelt field",
      make: ({ spec }) => {
        spec.minReplicas = 1;
      },
      says: /\.spec\.minReplicas: field not declared in schema/,
    },
    {
      title: "a number among a trigger's texts",
      make: ({ spec }) => {
        spec.triggers[0].metadata.targetMetricValue = 61;
      },
      says: /metadata\.targetMetricValue: expected string/,
    },
    {
      title: "a behaviour that KEDA does not know",
      make: ({ spec }) => {
        spec.fallback.behavior = "hold";
      },
      says: /spec\.fallback\.behavior: Unsupported value: "hold"/,
    },
    {
      title: "no triggers",
      make: ({ spec }) => {
        delete spec.triggers;
      },
      says: /spec\.triggers: Required value/,
    },
  ],
  ClusterTriggerAuthentication: [
    {
      title: "an identity that nobody provides",
      make: ({ spec }) => {
        spec.podIdentity.provider = "amazon";
      },
      says: /spec\.podIdentity\.provider: Unsupported value: "amazon"/,
    },
  ],
  Gateway: [
    {
      title: "a port that there is not",
      make: ({ spec }) => {
        spec.listeners[0].port = 0;
      },
      says: /spec\.listeners\[0\]\.port: Invalid value: 0/,
    },
    {
      title: "TLS over plain HTTP",
      make: ({ spec }) => {
        spec.listeners[0].protocol = "HTTP";
        spec.listeners[0].tls = { mode: "Terminate" };
      },
      says: /spec\.listeners.*tls must not be specified for protocols/,
    },
  ],
  HTTPRoute: [
    {
      title: "a negative weight",
      make: ({ spec }) => {
        spec.rules[0].backendRefs[0].weight = -1;
      },
      says: /spec\.rules\[0\]\.backendRefs\[0\]\.weight: Invalid value: -1/,
    },
    {
      title: "a Service without its port",
      make: ({ spec }) => {
        delete spec.rules[0].backendRefs[0].port;
      },
      says: /spec\.rules\[0\]\.backendRefs\[0\].*Must have port for Service reference/,
    },
    {
      title: "a path that does not start at the root",
      make: ({ spec }) => {
        spec.rules[0].matches[0].path.value = "sd21";
      },
      says: /spec\.rules\[0\]\.matches\[0\]\.path.*absolute path/,
    },
  ],
};

/** The same for the load balancer controller's kinds. */
const controllerMistakes: typeof mistakes = {
  LoadBalancerConfiguration: [
    {
      title: "a scheme that there is not",
      make: ({ spec }) => {
        spec.scheme = "public";
      },
      says: /spec\.scheme: Unsupported value: "public"/,
    },
    {
      title: "a protocol and port in one word",
      make: ({ spec }) => {
        spec.listenerConfigurations[0].protocolPort = "HTTPS443";
      },
      says: /listenerConfigurations\[0\]\.protocolPort: Invalid value: "HTTPS443"/,
    },
  ],
  TargetGroupConfiguration: [
    {
      title: "pods as targets",
      make: ({ spec }) => {
        spec.defaultConfiguration.targetType = "pod";
      },
      says: /spec\.defaultConfiguration\.targetType: Unsupported value: "pod"/,
    },
    {
      title: "a misspelt health check",
      make: ({ spec }) => {
        spec.defaultConfiguration.healthCheckConfig.healthCheckUrl = "/health";
      },
      says: /\.healthCheckConfig\.healthCheckUrl: field not declared in schema/,
    },
  ],
  ListenerRuleConfiguration: [
    {
      title: "AWS's spelling of a user pool's client",
      make: ({ spec }) => {
        spec.actions[0].authenticateCognitoConfig.userPoolClientID = "client";
      },
      says: /\.authenticateCognitoConfig\.userPoolClientID: field not declared in schema/,
    },
  ],
};

/** Made in the pod of a server, where Pod Security and the other admission plugins decide. */
const podMistakes: readonly Mistake[] = [
  {
    title: "a folder of the host",
    make: ({ spec }) => {
      spec.volumes.push({ name: "host", hostPath: { path: "/" } });
    },
    says: /restricted volume types \(volume "host"/,
  },
  {
    title: "leave to run as root",
    make: ({ spec }) => {
      spec.securityContext.runAsNonRoot = false;
    },
    says: /runAsNonRoot != true/,
  },
  {
    title: "root as its user",
    make: ({ spec }) => {
      spec.securityContext.runAsUser = 0;
    },
    says: /runAsUser=0/,
  },
  {
    title: "a capability",
    make: ({ spec }) => {
      spec.containers[0].securityContext.capabilities.add = ["NET_RAW"];
    },
    says: /unrestricted capabilities.*NET_RAW/,
  },
  {
    title: "all the capabilities of a container by default",
    make: ({ spec }) => {
      delete spec.containers[0].securityContext.capabilities;
    },
    says: /unrestricted capabilities.*capabilities\.drop=\["ALL"\]/,
  },
  {
    title: "no seccomp profile",
    make: ({ spec }) => {
      delete spec.securityContext.seccompProfile;
    },
    says: /seccompProfile\.type/,
  },
  {
    title: "leave to gain privileges",
    make: ({ spec }) => {
      spec.containers[0].securityContext.allowPrivilegeEscalation = true;
    },
    says: /allowPrivilegeEscalation != false/,
  },
  {
    title: "the host's network",
    make: ({ spec }) => {
      spec.hostNetwork = true;
    },
    says: /host namespaces \(hostNetwork=true\)/,
  },
  {
    title: "a ServiceAccount that is not there",
    make: ({ spec }) => {
      spec.serviceAccountName = "nobody";
    },
    says: /serviceaccount "nobody" not found/,
  },
  {
    title: "a PriorityClass that is not there",
    make: ({ spec }) => {
      spec.priorityClassName = "nothing";
    },
    says: /no PriorityClass with name nothing/,
  },
];

/** The headroom's Deployments have little that could be spoilt. */
function isPlaceholder({ metadata, spec }: KubernetesObject): boolean {
  const labels = spec?.template?.metadata?.labels ?? metadata.labels ?? {};
  return labels["app.kubernetes.io/component"] === "headroom";
}

describeOnApiServer("The API server refuses", (server) => {
  let objects: readonly KubernetesObject[];

  before(async () => {
    objects = plannedObjects(await environments["prod with everything on"]("cost"));
    await server().apply(objects.filter(hasSchema));
  });

  const first = (kind: string): KubernetesObject => {
    const found = objects.find((object) => object.kind === kind && !isPlaceholder(object));
    assert.ok(found, `no ${kind} in the plan`);
    return found;
  };

  /** Neither is stored, so that mistakes do not add up. */
  async function refuses(
    sound: KubernetesObject,
    { make, says }: Mistake,
    send: (object: KubernetesObject) => Promise<unknown>,
  ): Promise<void> {
    await send(sound);
    const spoilt = structuredClone(sound);
    make(spoilt);
    await assert.rejects(send(spoilt), (error) => {
      if (!(error instanceof Refusal)) throw error;
      assert.match(error.message, says);
      return true;
    });
  }

  function describeMistakes(table: typeof mistakes): void {
    for (const [kind, ofKind] of Object.entries(table))
      for (const mistake of ofKind)
        it(`${kind}: ${mistake.title}`, () =>
          refuses(first(kind), mistake, (object) =>
            server().client.apply(object, { dryRun: true }),
          ));
  }

  describeMistakes(mistakes);

  const missing = loadBalancerCrdsMissing();
  if (missing === undefined) describeMistakes(controllerMistakes);
  else
    describe.skip(`(skipped: ${missing})`, () => {
      describeMistakes(controllerMistakes);
    });

  for (const mistake of podMistakes)
    it(`Pod: ${mistake.title}`, () =>
      refuses(firstPod(first("Deployment")), mistake, (pod) =>
        server().client.create(pod, { dryRun: true }),
      ));
});
