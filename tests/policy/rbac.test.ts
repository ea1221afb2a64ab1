import { ruleSuite } from "./ruleSuite";
import { subject, unknown } from "./subject";

type Rule = Readonly<Record<string, unknown>>;

const role = (...rules: readonly (Rule | string)[]) =>
  subject("kubernetes:rbac.authorization.k8s.io/v1:Role", { rules });
const rule = (resource: string, verbs: readonly unknown[], more: Rule = {}): Rule => ({
  apiGroups: ["example.com"],
  resources: [resource],
  verbs,
  ...more,
});

ruleSuite("rbac-least-privilege", {
  passes: {
    "a role that reads": { of: role(rule("pods", ["get", "list", "watch"])) },
    "writes to what is named": {
      of: role(rule("leases", ["get", "patch", "update"], { resourceNames: ["leader"] })),
    },
    "events, which have a new name each": { of: role(rule("events", ["create", "patch"])) },
    "a Secret by name": { of: role(rule("secrets", ["get"], { resourceNames: ["token"] })) },
    "a role without rules": {
      of: subject("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", {}),
    },
    "creation of what is configured": {
      of: role(rule("subjectaccessreviews", ["create"])),
      config: { unnamed: ["subjectaccessreviews"] },
    },
  },
  fails: {
    "a wildcard for verbs": {
      of: role(rule("pods", ["*"])),
      says: [/a rule has a wildcard in verbs/],
    },
    "wildcards for groups and resources, in a ClusterRole too": {
      of: subject("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", {
        rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["get"] }],
      }),
      says: [/a rule has a wildcard in apiGroups, resources/],
    },
    "a wildcard for a subresource": {
      of: role(rule("*/scale", ["get"])),
      says: [/wildcard in resources/],
    },
    "a wildcard in a path": {
      of: role({ nonResourceURLs: ["/debug/*"], verbs: ["get"] }),
      says: [/wildcard in nonResourceURLs/],
    },
    "writes to whatever there is": {
      of: role(rule("httproutes", ["get", "patch"])),
      says: [/allows get, patch on httproutes without names/],
    },
    "an empty list of names, which is all of them": {
      of: role(rule("httproutes", ["patch"], { resourceNames: [] })),
      says: [/allows patch on httproutes without names/],
    },
    "creation, which no name confines": {
      of: role(rule("leases", ["create"], { resourceNames: ["leader"] })),
      says: [/allows create on leases: no name confines a create/],
    },
    "events together with something else": {
      of: role(rule("events", ["patch"], { resources: ["events", "pods"] })),
      says: [/allows patch on events, pods without names/],
    },
    "every Secret of the namespace": {
      of: role(rule("secrets", ["list"])),
      says: [/allows list on secrets without names/],
    },
    "impersonation of anybody": {
      of: role(rule("users", ["impersonate"])),
      says: [/allows impersonate on users without names/],
    },
    "each rule for itself": {
      of: role(rule("pods", ["delete"]), rule("nodes", ["patch"])),
      says: [/delete on pods/, /patch on nodes/],
    },
  },
  unknown: {
    "rules that are not known": {
      of: subject("kubernetes:rbac.authorization.k8s.io/v1:Role", { rules: unknown }),
    },
    "a rule that is not known": { of: role(unknown) },
    "a verb that is not known": { of: role(rule("pods", [unknown])) },
    "names that are not known": {
      of: role(rule("leases", ["patch"], { resourceNames: unknown })),
    },
    "one name that is not known: it is a name": {
      of: role(rule("leases", ["patch"], { resourceNames: [unknown] })),
      comesOut: "passes",
    },
  },
});
