import { z } from "zod";
import { hostedContainers, hostedTypes } from "../endpoints";
import { listed } from "../listed";
import {
  containersOf,
  lastingContainersOf,
  podOf,
  selects,
  services,
  workloads as workloadTypes,
} from "../pods";
import { mostReplicas, scalable } from "../replicas";
import { isSet, ofType, type Resource } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

const requests = resourceRule({
  name: "container-requests",
  level: "mandatory",
  protectsFrom:
    "A pod that is packed beside too many others, and a leak that takes the whole node along.",
  remedy: "Set requests for cpu and memory, and a limit for memory.",
  types: workloadTypes,
  check: (resource, report) => {
    for (const { name, resources } of containersOf(resource))
      for (const [kind, quantity] of [
        ["requests", "cpu"],
        ["requests", "memory"],
        ["limits", "memory"],
      ] as const)
        if (!isSet(resources?.[kind], quantity))
          report(`container ${name} has no resources.${kind}.${quantity}`);
  },
});

const probes = resourceRule({
  name: "container-probes",
  level: "mandatory",
  protectsFrom: "Requests that go to a server that is still loading, and one that hangs for ever.",
  remedy: "Set readinessProbe and livenessProbe.",
  types: services,
  config: {
    componentsWithoutTraffic: z
      .array(z.string())
      .default(["headroom", "capacity-probe"])
      .describe(
        "Values of app.kubernetes.io/component whose pods do nothing that could be probed.",
      ),
  },
  check: (resource, report, { componentsWithoutTraffic }) => {
    const component = podOf(resource).metadata?.labels?.["app.kubernetes.io/component"];
    if (componentsWithoutTraffic.includes(component)) return;
    for (const container of lastingContainersOf(resource))
      for (const probe of ["readinessProbe", "livenessProbe"])
        if (!isSet(container, probe)) report(`container ${container.name} has no ${probe}`);
  },
});

const nonRoot = resourceRule({
  name: "container-non-root",
  level: "mandatory",
  protectsFrom: "A process that, once it breaks out of its container, is root on the node.",
  remedy: "Set runAsNonRoot to true, and runAsUser to a number above 0.",
  types: workloadTypes,
  check: (resource, report) => {
    const pod = podOf(resource).spec?.securityContext ?? {};
    for (const container of containersOf(resource)) {
      const { name } = container;
      const own = container.securityContext ?? {};
      if ((own.runAsNonRoot ?? pod.runAsNonRoot) !== true)
        report(`container ${name} may run as root: runAsNonRoot is not true`);
      if ((own.runAsUser ?? pod.runAsUser) === 0) report(`container ${name} runs as user 0`);
    }
  },
});

const confined = resourceRule({
  name: "container-confined",
  level: "mandatory",
  protectsFrom:
    "A server that was broken into and now has the node's kernel, network or disks to play with.",
  remedy:
    "Drop all capabilities, set allowPrivilegeEscalation to false, seccompProfile to RuntimeDefault, and no host namespaces or paths.",
  types: workloadTypes,
  check: (resource, report) => {
    const spec = podOf(resource).spec ?? {};
    for (const host of ["hostNetwork", "hostPID", "hostIPC"])
      if (spec[host] === true) report(`${host} is true`);
    for (const volume of listed(spec.volumes))
      if (isSet(volume, "hostPath")) report(`the volume ${volume.name} is a folder of the node`);
    for (const container of containersOf(resource)) {
      const { name } = container;
      const own = container.securityContext ?? {};
      if (own.privileged === true) report(`container ${name} is privileged`);
      if (own.allowPrivilegeEscalation !== false)
        report(`container ${name} may gain privileges: allowPrivilegeEscalation is not false`);
      if (!listed(own.capabilities?.drop).includes("ALL"))
        report(`container ${name} keeps capabilities: drop does not name ALL`);
      const added = listed(own.capabilities?.add).filter((it) => it !== "NET_BIND_SERVICE");
      if (added.length > 0) report(`container ${name} adds ${added.join(", ")}`);
      const seccomp = own.seccompProfile?.type ?? spec.securityContext?.seccompProfile?.type;
      if (!["RuntimeDefault", "Localhost"].includes(seccomp))
        report(`container ${name} has no seccompProfile`);
    }
  },
});

const readOnlyRoot = resourceRule({
  name: "container-read-only-root",
  level: "advisory",
  protectsFrom: "An intruder who changes the server's own files.",
  remedy: "Set readOnlyRootFilesystem to true, and mount an emptyDir where files are written.",
  types: workloadTypes,
  check: (resource, report) => {
    for (const { name, securityContext: own } of containersOf(resource))
      if (own?.readOnlyRootFilesystem !== true)
        report(`container ${name} may write to its own files`);
  },
});

const plainSecrets = resourceRule({
  name: "no-secret-in-plain-text",
  level: "mandatory",
  protectsFrom: "A password that everybody who may read Deployments can read.",
  remedy:
    "Set it with `pulumi config set --secret --path units.UNIT.env.NAME`; in a manifest, refer to a Secret by valueFrom.secretKeyRef. A managed endpoint has no such reference: put into the artefact what is fetched with it.",
  types: [...workloadTypes, ...hostedTypes],
  config: {
    notSecret: z
      .array(z.string())
      .default([])
      .describe("Variables that hold no secret, whatever they are called."),
  },
  check: (resource, report, { notSecret }) => {
    for (const [container, variables] of plainVariables(resource))
      for (const variable of variables)
        if (
          /(PASSWORD|PASSWD|PASSPHRASE|(^|_)(SECRET|TOKEN|(API|ACCESS|PRIVATE|SECRET)_?KEYS?))$/i.test(
            variable,
          ) &&
          !notSecret.includes(variable)
        )
          report(`container ${container} has ${variable} as plain text`);
  },
});

/** By container, the variables whose values stand there. */
function plainVariables(
  resource: Resource,
): readonly (readonly [container: string, variables: readonly string[]])[] {
  if ((hostedTypes as readonly string[]).includes(resource.type))
    return hostedContainers(resource).map(({ containerHostname, environment }) => [
      containerHostname ?? "of the model",
      Object.keys(environment ?? {}).filter((variable) => isSet(environment, variable)),
    ]);
  return containersOf(resource).map(({ name, env }) => [
    name,
    listed(env)
      .filter((variable) => isSet(variable, "value"))
      .map((variable) => variable.name),
  ]);
}

const namespaceSecurity = resourceRule({
  name: "namespace-pod-security",
  level: "mandatory",
  protectsFrom: "A privileged pod that somebody starts beside ours.",
  remedy: "Label the namespace pod-security.kubernetes.io/enforce: restricted.",
  types: ["kubernetes:core/v1:Namespace"],
  config: {
    levels: z
      .array(z.enum(["restricted", "baseline", "privileged"]))
      .default(["restricted"])
      .describe("The levels that are enough."),
  },
  check: ({ props }, report, { levels }) => {
    const level = props.metadata?.labels?.["pod-security.kubernetes.io/enforce"];
    if (!levels.includes(level))
      report(`pod-security.kubernetes.io/enforce is ${level ?? "not set"}`);
  },
});

const disruptionBudget = stackRule({
  name: "pod-disruption-budget",
  level: "mandatory",
  protectsFrom: "A node upgrade that takes every replica of a unit at the same time.",
  remedy: "Add a PodDisruptionBudget whose selector chooses the pods.",
  types: scalable,
  config: {
    expendableComponents: z
      .array(z.string())
      .default(["headroom"])
      .describe("Values of app.kubernetes.io/component whose pods are there to make way."),
  },
  check: (resource, stack, report, { expendableComponents }) => {
    const component = podOf(resource).metadata?.labels?.["app.kubernetes.io/component"];
    if (expendableComponents.includes(component) || mostReplicas(resource, stack) < 2) return;
    const namespace = resource.props.metadata?.namespace;
    const budgets = ofType(stack, "kubernetes:policy/v1:PodDisruptionBudget").filter(
      ({ props }) =>
        props.metadata?.namespace === namespace && selects(props.spec?.selector, resource),
    );
    if (budgets.length === 0) report("can have two replicas and has no PodDisruptionBudget");
    for (const { props } of budgets) {
      const { maxUnavailable, minAvailable } = props.spec ?? {};
      const stays = minAvailable === "100%" || minAvailable >= mostReplicas(resource, stack);
      if (maxUnavailable === 0 || maxUnavailable === "0%" || stays)
        report(
          `the budget ${props.metadata?.name} lets no pod go, so that no node can be upgraded`,
        );
    }
  },
});

export const workloads: Area = {
  title: "Workloads",
  rules: [
    requests,
    probes,
    nonRoot,
    confined,
    readOnlyRoot,
    plainSecrets,
    namespaceSecurity,
    disruptionBudget,
  ],
};
