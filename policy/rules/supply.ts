import { cachedContainer } from "../../fleet/cachedContainers";
import { hostedContainers, hostedTypes } from "../endpoints";
import { listed } from "../listed";
import { containersOf, workloads } from "../pods";
import { isProduction, production } from "../production";
import { isSet, ofType, type Resource } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";
import { UnknownValue } from "../unknown";

const repositoryType = "aws:ecr/repository:Repository";

/** What follows the last slash of a reference decides: a registry may have a port. */
function tagOf(image: string): string | undefined {
  const last = image.slice(image.lastIndexOf("/") + 1);
  return last.includes(":") ? last.slice(last.indexOf(":") + 1) : undefined;
}

function isByDigest(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image);
}

/** A release, a date or build number, or a commit: what a tag that does not move begins with. */
const version = /^v?\d+\.\d|^\d{6,}([-_.]|$)|^((sha|git)-)?(?=[a-f]*\d)[0-9a-f]{7,40}$/;

/** Words of tags that are moved to whatever is newest. */
const moving = /(^|[-_.])(latest|nightly|main|master|stable|edge|dev)([-_.]|$)/i;

/** By digest, or by a tag that is a version. */
function isPinned(image: string): boolean {
  if (image.includes("@")) return isByDigest(image);
  const tag = tagOf(image) ?? "";
  return version.test(tag) && !moving.test(tag);
}

/** @throws UnknownValue where what comes last in an image's reference is not known */
function readable(image: unknown, container: unknown): string | undefined {
  if (image === undefined || image === null) return undefined;
  const text = String(image);
  if (!isByDigest(text) && /[:@][^/]*<(output of [^<>]+|secret)>[^/]*$/.test(text))
    throw new UnknownValue(`the image of container ${container}`);
  return text;
}

/** What runs containers: on Kubernetes, or on a managed endpoint. */
const running = [...workloads, ...hostedTypes] as const;

function isHosted({ type }: Resource): boolean {
  return (hostedTypes as readonly string[]).includes(type);
}

/** Containers with what they are called; a model package has its image in itself. */
function runningIn(
  resource: Resource,
): readonly { readonly name: string; readonly image: unknown }[] {
  if (!isHosted(resource)) return containersOf(resource);
  return hostedContainers(resource)
    .filter((container) => isSet(container, "image"))
    .map(({ containerHostname, image }) => ({ name: containerHostname ?? "of the model", image }));
}

const imagesPinned = resourceRule({
  name: "images-pinned",
  level: "mandatory",
  protectsFrom:
    "Two replicas of one Deployment that run different code, and a restart that is an upgrade nobody asked for.",
  remedy: "Give the image a version's tag, or its digest.",
  types: running,
  check: (resource, report) => {
    for (const container of runningIn(resource)) {
      const { name } = container;
      const image = readable(container.image, name);
      if (image === undefined) report(`container ${name} has no image`);
      else if (!isPinned(image))
        report(`container ${name} runs ${image}, which is not pinned to a version`);
    }
  },
});

const imagesImmutable = stackRule({
  name: "images-immutable-in-production",
  level: "mandatory",
  protectsFrom: "A tag that is moved to other content after it was reviewed.",
  remedy:
    "Name the image by digest (images.server.digests), or keep it in a repository of this program, whose tags cannot be moved.",
  types: running,
  config: production,
  check: (resource, stack, report, config) => {
    if (!isProduction(resource, config)) return;
    const immutable = ofType(stack, repositoryType).filter(
      (repository) =>
        isFrom(resource, repository) && repository.props.imageTagMutability === "IMMUTABLE",
    );
    for (const container of runningIn(resource)) {
      const { name } = container;
      const image = readable(container.image, name) ?? "";
      // AWS patches what SageMaker caches under its tag; by a digest it would not be cached.
      if (isHosted(resource) && cachedContainer(image) !== undefined) continue;
      const kept = immutable.some((repository) => isIn(image, repository));
      if (!isByDigest(image) && !kept)
        report(`container ${name} runs ${image} by a tag that can be moved`);
    }
  },
});

/** Whether a workload has an address from a repository; another account's may be called the same. */
function isFrom({ sources }: Resource, { urn }: Resource): boolean {
  return [...sources.values()].some((urns) => urns.includes(urn));
}

/** In a plan a repository's address is an output, and named so. */
function isIn(image: string, { name, props }: Resource): boolean {
  const [, repository] = /^\d{12}\.dkr\.ecr\.[\w.-]+\/(.+):[^:/]+$/.exec(image) ?? [];
  return (
    image.startsWith(`<output of ${name}.repositoryUrl>:`) ||
    (repository !== undefined && repository === props.name)
  );
}

const repositoriesImmutable = resourceRule({
  name: "repositories-immutable",
  level: "mandatory",
  protectsFrom: "An image that is overwritten under its tag, and one that nobody has scanned.",
  remedy: 'Set imageTagMutability to "IMMUTABLE" and scanOnPush to true.',
  types: [repositoryType],
  check: ({ props }, report) => {
    if (props.imageTagMutability !== "IMMUTABLE")
      report(`imageTagMutability is ${props.imageTagMutability ?? "MUTABLE by default"}`);
    if (props.imageScanningConfiguration?.scanOnPush !== true)
      report("imageScanningConfiguration.scanOnPush is not true");
  },
});

const chartsPinned = resourceRule({
  name: "charts-pinned",
  level: "mandatory",
  protectsFrom: "A controller that is upgraded by whoever runs `pulumi up` next.",
  remedy: "Give the release one exact version and the chart's repository.",
  types: [
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:helm.sh/v3:Chart",
    "kubernetes:helm.sh/v4:Chart",
  ],
  check: ({ props }, report) => {
    const { version } = props;
    if (!/^v?\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/.test(version ?? ""))
      report(`version is ${version ?? "not set"}, not one exact version`);
    const repository = props.repositoryOpts?.repo ?? props.fetchOpts?.repo ?? props.chart;
    if (!/^(https|oci):\/\//.test(repository))
      report(`the chart comes from ${repository ?? "nowhere"}, not an https or OCI repository`);
  },
});

const manifestsPinned = resourceRule({
  name: "remote-manifests-pinned",
  level: "mandatory",
  protectsFrom: "Custom resource definitions that change under a branch's name.",
  remedy: "Use an https address that names a release's version, or a commit.",
  types: [
    "kubernetes:yaml:ConfigFile",
    "kubernetes:yaml:ConfigGroup",
    "kubernetes:yaml/v2:ConfigFile",
    "kubernetes:yaml/v2:ConfigGroup",
  ],
  check: ({ props }, report) => {
    const files = [...listed(props.file), ...listed(props.files)].map(String);
    for (const file of files.filter((name) => /^\w+:\/\//.test(name)))
      if (!/^https:\/\/.*\/(v?\d+\.\d+\.\d+[\w.-]*|[0-9a-f]{40})\//.test(file))
        report(`${file} is not an https address with a version in it`);
  },
});

const nodeImagesPinned = resourceRule({
  name: "node-images-pinned",
  level: "mandatory",
  protectsFrom: "Nodes that are replaced all at once on the day a new machine image is published.",
  remedy: "Name one release in spec.amiSelectorTerms: an alias with its version, or an image's id.",
  types: ["kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"],
  check: ({ props }, report) => {
    const terms = listed<{ alias?: string; id?: string }>(props.spec?.amiSelectorTerms);
    if (terms.length === 0) report("spec.amiSelectorTerms is empty");
    for (const term of terms)
      if (!isSet(term, "id") && !/@v?\d[\w.]*$/.test(term.alias ?? ""))
        report(
          `the machine image is chosen by ${term.alias ?? "tags or name"}, not by one release`,
        );
  },
});

const addonsPinned = resourceRule({
  name: "addons-pinned",
  level: "mandatory",
  protectsFrom: "An EKS add-on in whatever version is EKS's default that day.",
  remedy: "Set addonVersion.",
  types: ["aws:eks/addon:Addon"],
  check: ({ props }, report) => {
    if (!/^v\d+\.\d+\.\d+-eksbuild\.\d+$/.test(props.addonVersion ?? ""))
      report(`${props.addonName} has the version ${props.addonVersion ?? "of EKS's choice"}`);
  },
});

export const supply: Area = {
  title: "Images, charts and versions",
  rules: [
    imagesPinned,
    imagesImmutable,
    repositoriesImmutable,
    chartsPinned,
    manifestsPinned,
    nodeImagesPinned,
    addonsPinned,
  ],
};
