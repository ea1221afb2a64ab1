import { z } from "zod";
import { listed } from "../listed";
import { isSet } from "../resource";
import { resourceRule } from "../rule";

/** A rule of a Role or ClusterRole. */
interface AccessRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs?: readonly string[];
}

const reading: readonly string[] = ["get", "list", "watch"];

export const rbacLeastPrivilege = resourceRule({
  name: "rbac-least-privilege",
  level: "mandatory",
  protectsFrom:
    "A controller that, once broken into, changes what is not its own, or reads every Secret of its namespace.",
  remedy:
    "List verbs and resources, and name by resourceNames what may be written; what has to be created is better made by the program, empty.",
  types: [
    "kubernetes:rbac.authorization.k8s.io/v1:Role",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
  ],
  config: {
    unnamed: z
      .array(z.string())
      .default(["events"])
      .describe("Resources whose objects have names that nobody knows before."),
  },
  check: ({ props }, report, { unnamed }) => {
    for (const rule of listed<AccessRule>(props.rules)) {
      const resources = listed(rule.resources).map(String);
      const verbs = listed(rule.verbs).map(String);
      const wide = (["apiGroups", "resources", "nonResourceURLs", "verbs"] as const).filter((key) =>
        listed(rule[key]).some((value) => String(value).includes("*")),
      );
      const what = `${verbs.join(", ")} on ${resources.join(", ")}`;
      if (wide.length > 0) {
        report(`a rule has a wildcard in ${wide.join(", ")}`);
        continue;
      }
      const isNamed = isSet(rule, "resourceNames") && Object.keys(rule.resourceNames!).length > 0;
      if (!isNamed && resources.includes("secrets")) report(`allows ${what} without names`);
      const open = resources.filter((resource) => !unnamed.includes(resource));
      const writing = verbs.filter((verb) => !reading.includes(verb));
      if (open.length === 0 || writing.length === 0) continue;
      // A new object's name is not looked at.
      if (writing.includes("create")) report(`allows ${what}: no name confines a create`);
      else if (!isNamed && !resources.includes("secrets")) report(`allows ${what} without names`);
    }
  },
});
