import { pinned } from "../../charts/pinned";
import type { PlannedResource } from "../plan/document";
import { at, list, text } from "../plan/facts";

/** Something of others' that a stack installs or runs. */
export interface Version {
  readonly kind: "kubernetes" | "add-on" | "chart" | "crds" | "machine image" | "image";
  readonly name: string;
  /** As its maker writes it; absent where the plan cannot know it. */
  readonly version: string | null;
  /** Its repository, address or publisher. */
  readonly source: string;
}

/** Which versions are in a plan: each once, by kind and name. */
export function versionsOf(resources: readonly PlannedResource[]): Version[] {
  const found = resources.flatMap((resource) => [
    ...(versionsByType[resource.type]?.(resource) ?? []),
    ...machineImages(resource),
    ...images(resource),
  ]);
  const unique = new Map(found.map((version) => [JSON.stringify(version), version]));
  return [...unique.values()].sort(
    (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.name.localeCompare(b.name),
  );
}

/** In the order that they are listed in. */
export const kinds: readonly Version["kind"][] = [
  "kubernetes",
  "add-on",
  "chart",
  "crds",
  "machine image",
  "image",
];

const versionsByType: Readonly<Record<string, (resource: PlannedResource) => Version[]>> = {
  "eks:index:Cluster": ({ inputs }) => [
    { kind: "kubernetes", name: "EKS", version: text(inputs, "version") ?? null, source: "EKS" },
  ],
  "aws:eks/addon:Addon": ({ name, inputs }) => [
    {
      kind: "add-on",
      name: text(inputs, "addonName") ?? name,
      version: text(inputs, "addonVersion") ?? null,
      source: "EKS",
    },
  ],
  "kubernetes:helm.sh/v3:Release": ({ name, inputs }) => [
    {
      kind: "chart",
      name: text(inputs, "chart")?.split("/").at(-1) ?? name,
      version: text(inputs, "version") ?? null,
      source: text(inputs, "repository") ?? "",
    },
  ],
  "kubernetes:yaml/v2:ConfigFile": ({ name, inputs }) => {
    const source = text(inputs, "file") ?? "";
    const manifest = pinned.find(({ repository }) => repository === source);
    return [
      {
        kind: "crds",
        name: manifest?.name ?? name,
        version: manifest?.version ?? null,
        source,
      },
    ];
  },
  "aws:sagemaker/model:Model": ({ inputs }) => {
    const image = text(inputs, "primaryContainer.image");
    return image === undefined ? [] : [imageOf(image)];
  },
};

/** The releases that Karpenter's node classes are pinned to. */
function machineImages({ type, inputs }: PlannedResource): Version[] {
  if (!type.endsWith(":EC2NodeClass")) return [];
  return list(at(inputs, "spec.amiSelectorTerms")).flatMap((term) => {
    const [name, version] = text(term, "alias")?.split("@") ?? [];
    return name === undefined
      ? []
      : [{ kind: "machine image", name, version: version ?? null, source: "AWS" }];
  });
}

/** The images of the containers in a manifest, wherever they stand. */
function images({ type, inputs }: PlannedResource): Version[] {
  if (!type.startsWith("kubernetes:")) return [];
  const found: Version[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (["containers", "initContainers"].includes(key))
        for (const container of list(child)) {
          const image = text(container, "image");
          if (image !== undefined) found.push(imageOf(image));
        }
      visit(child);
    }
  };
  visit(inputs);
  return found;
}

/** `REPOSITORY:TAG`, `REPOSITORY@DIGEST` or both; a repository of the program's own is an output. */
function imageOf(reference: string): Version {
  const [, repository = reference, tag, digest] =
    /^(<output of .+?>|.+?)(?::([\w][\w.-]*))?(?:@(sha256:[0-9a-f]+))?$/.exec(reference) ?? [];
  const own = /^<output of (.+)\.repositoryUrl>$/.exec(repository)?.[1];
  return {
    kind: "image",
    name: own ?? repository.split("/").at(-1)!,
    version: [tag, digest].filter((part) => part !== undefined).join("@") || null,
    source: own === undefined ? repository.split("/").slice(0, -1).join("/") : "ECR, this stack's",
  };
}
