import { ruleSuite } from "./ruleSuite";
import { type Circumstances, type Subject, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const runs = (image: unknown, more: Circumstances = {}) =>
  subject(
    "kubernetes:apps/v1:Deployment",
    { spec: { template: { spec: { containers: [{ name: "server", image }] } } } },
    more,
  );
const hosted = (image: unknown, more: Circumstances = {}) =>
  subject("aws:sagemaker/model:Model", { primaryContainer: { image } }, more);
const cached = "763104351884.dkr.ecr.us-west-2.amazonaws.com/djl-inference:0.30.0-lmi12.0.0-cu124";
const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const ecr = "123456789012.dkr.ecr.us-west-2.amazonaws.com";

ruleSuite("images-pinned", {
  passes: {
    "a model on an endpoint by a version's tag": { of: hosted(cached) },
    "a model package, which has its image in itself": {
      of: subject("aws:sagemaker/model:Model", {
        primaryContainer: { modelPackageName: "arn:aws:sagemaker:…" },
      }),
    },
    "a version's tag": { of: runs("registry.k8s.io/pause:3.10.1") },
    "a digest": { of: runs(`public.ecr.aws/team/server@${digest}`) },
    "a digest beside a tag that moves": { of: runs(`server:latest@${digest}`) },
    "a tag in a registry with a port": { of: runs("registry.example.com:5000/team/server:v1.2") },
    "a version with more behind it": { of: runs("server:1.57.0-cuda12_abc") },
    "a date": { of: runs("server:20260318") },
    "a date in parts": { of: runs("server:2026.11.22-1") },
    "a commit's tag": { of: runs("server:feedba0") },
    "a commit's tag that says so": {
      of: runs("server:sha-0123456789abcdef0123456789abcdef01234567"),
    },
    "a digest beside a tag that is not known": {
      of: runs(`server:<output of build.tag>@${digest}`),
    },
    "a tag in a repository whose address is not known": {
      of: runs("<output of server.repositoryUrl>:0.1.0"),
    },
  },
  fails: {
    "a model on an endpoint by a tag that moves": {
      of: hosted(`${ecr}/server:latest`),
      says: [/container of the model runs .*\/server:latest, which is not pinned/],
    },
    "one of a model's containers": {
      of: subject("aws:sagemaker/model:Model", {
        containers: [
          { containerHostname: "first", image: cached },
          { containerHostname: "second", image: `${ecr}/server` },
        ],
      }),
      says: [/container second runs/],
    },
    "an inference component's own container": {
      of: subject("aws-native:sagemaker:InferenceComponent", {
        specification: { container: { image: `${ecr}/server:main` } },
      }),
      says: [/container of the model runs/],
    },
    "no tag": {
      of: runs("team/server"),
      says: [/container server runs team\/server, which is not/],
    },
    "no tag in a registry with a port": {
      of: runs("registry.example.com:5000/team/server"),
      says: [/is not pinned/],
    },
    latest: { of: runs("server:latest"), says: [/server:latest, which is not pinned/] },
    "latest of a kind": { of: runs("server:latest-cuda12"), says: [/server:latest-cuda12/] },
    "a branch": { of: runs("server:main"), says: [/server:main, which is not pinned/] },
    "a branch's builds by number": { of: runs("server:main-3"), says: [/server:main-3/] },
    "a night's build": { of: runs("server:nightly-py3"), says: [/server:nightly-py3/] },
    "whatever is newest of a version": {
      of: runs("server:1.2.3-nightly"),
      says: [/server:1\.2\.3-nightly/],
    },
    "latest behind a number": { of: runs("server:cuda12-latest"), says: [/cuda12-latest/] },
    "a major version": { of: runs("node:20"), says: [/node:20, which is not pinned/] },
    "a word in a commit's letters": { of: runs("server:feedbac"), says: [/server:feedbac/] },
    "a version with a digest that is none": {
      of: runs("server:1.0@sha256:abc"),
      says: [/server:1\.0@sha256:abc, which is not pinned/],
    },
    "an empty tag": { of: runs("server:"), says: [/server:, which is not pinned/] },
    "a digest that is cut off": { of: runs("server@sha256:0123"), says: [/is not pinned/] },
    "no image": { of: runs(undefined), says: [/container server has no image/] },
    "an initial container's": {
      of: subject("kubernetes:batch/v1:Job", {
        spec: {
          template: {
            spec: {
              initContainers: [{ name: "fetch", image: "curl" }],
              containers: [{ name: "server", image: "server:1.0" }],
            },
          },
        },
      }),
      says: [/container fetch runs curl/],
    },
    "no tag in a repository whose address is not known": {
      of: runs("<output of server.registry>/team/server"),
      says: [/is not pinned/],
    },
  },
  unknown: {
    "an image that is not known": { of: runs(unknown) },
    "a tag that is not known, and may be latest": { of: runs("server:<output of build.tag>") },
    "a tag that is known in part": { of: runs("server:<output of build.branch>-1.0") },
    "a tag whose end is not known": { of: runs("server:1.0-<output of build.branch>") },
    "a digest that is not known": { of: runs("server@<output of build.digest>") },
    "a digest that is known in part": { of: runs("server:1.0@sha256:<output of build.digest>") },
  },
});

const prod = { stack: "prod" } as const;
const repository = (imageTagMutability: unknown, name: unknown = "server") =>
  subject("aws:ecr/repository:Repository", { imageTagMutability, name }, { name: "repo", ...prod });
/** Runs an image whose address was computed from the repository's. */
const runsOurs = (image: unknown) =>
  runs(image, { ...prod, from: { spec: repository("IMMUTABLE") } });
const movable = [/container server runs .* by a tag that can be moved/];

ruleSuite("images-immutable-in-production", {
  passes: {
    "a digest": { of: runs(`server@${digest}`, prod) },
    "a tag in a repository of ours": {
      of: runsOurs(`${ecr}/server:0.1.0`),
      among: [repository("IMMUTABLE")],
    },
    "a tag in a repository of ours whose address is not known": {
      of: runsOurs("<output of repo.repositoryUrl>:0.1.0"),
      among: [repository("IMMUTABLE")],
    },
    "a tag in a stack that is not production": { of: runs("server:0.1.0") },
    "a hosted model's container that SageMaker caches": { of: hosted(cached, prod) },
  },
  fails: {
    "a tag": { of: runs("server:0.1.0", prod), says: movable },
    "a hosted model's tag": {
      of: hosted(`${ecr}/server:0.1.0`, prod),
      says: [/container of the model runs .* by a tag that can be moved/],
    },
    "a container that SageMaker caches, on Kubernetes": { of: runs(cached, prod), says: movable },
    "a tag in a repository of ours whose tags move": {
      of: runsOurs(`${ecr}/server:0.1.0`),
      among: [repository("MUTABLE")],
      says: movable,
    },
    "a tag in another repository": {
      of: runsOurs(`${ecr}/other:0.1.0`),
      among: [repository("IMMUTABLE")],
      says: movable,
    },
    "a tag in a repository of that name elsewhere": {
      of: runsOurs("docker.io/server:0.1.0"),
      among: [repository("IMMUTABLE")],
      says: movable,
    },
    "a tag in another account's repository of the same name": {
      of: runs("999999999999.dkr.ecr.us-west-2.amazonaws.com/server:0.1.0", prod),
      among: [repository("IMMUTABLE")],
      says: movable,
    },
    "no image": { of: runs(undefined, prod), among: [repository("IMMUTABLE")], says: movable },
    "a tag in a stack that the config calls production": {
      of: runs("server:0.1.0"),
      config: { otherStacks: [] },
      says: movable,
    },
  },
  unknown: {
    "an image that is not known": { of: runs(unknown, prod) },
    "a digest that is not known": { of: runs("server@<output of build.digest>", prod) },
    "a repository of which it is not known whether tags move": {
      of: runsOurs(`${ecr}/server:0.1.0`),
      among: [repository(unknown)],
    },
    "a repository whose name is not known": {
      of: runsOurs(`${ecr}/server:0.1.0`),
      among: [repository("IMMUTABLE", unknown)],
    },
  },
});

const scanned = {
  imageTagMutability: "IMMUTABLE",
  imageScanningConfiguration: { scanOnPush: true },
};
const ecrRepository = (props: Props) => subject("aws:ecr/repository:Repository", props);

ruleSuite("repositories-immutable", {
  passes: { "a repository that keeps and scans": { of: ecrRepository(scanned) } },
  fails: {
    "a repository by default": {
      of: ecrRepository({}),
      says: [/imageTagMutability is MUTABLE by default/, /scanOnPush is not true/],
    },
    "a repository whose tags move": {
      of: ecrRepository({ ...scanned, imageTagMutability: "MUTABLE" }),
      says: [/imageTagMutability is MUTABLE/],
    },
    "a repository that does not scan": {
      of: ecrRepository({ ...scanned, imageScanningConfiguration: { scanOnPush: false } }),
      says: [/imageScanningConfiguration\.scanOnPush is not true/],
    },
  },
  unknown: {
    "a repository of which it is not known whether tags move": {
      of: ecrRepository({ ...scanned, imageTagMutability: unknown }),
    },
    "a repository of which it is not known whether it scans": {
      of: ecrRepository({ ...scanned, imageScanningConfiguration: unknown }),
    },
  },
});

const repositoryOpts = { repo: "https://kedacore.github.io/charts" };
const release = (props: Props) =>
  subject("kubernetes:helm.sh/v3:Release", { chart: "keda", repositoryOpts, ...props });

ruleSuite("charts-pinned", {
  passes: {
    "one version from an https repository": { of: release({ version: "2.20.2" }) },
    "one version from an OCI repository": {
      of: release({
        version: "v1.14.1-rc.1+build.5",
        chart: "oci://public.ecr.aws/karpenter/karpenter",
        repositoryOpts: undefined,
      }),
    },
    "a chart that Pulumi renders": {
      of: subject("kubernetes:helm.sh/v3:Chart", {
        chart: "keda",
        version: "2.20.2",
        fetchOpts: repositoryOpts,
      }),
    },
  },
  fails: {
    "no version": { of: release({}), says: [/version is not set, not one exact version/] },
    "a range": { of: release({ version: "^2.20.2" }), says: [/version is \^2\.20\.2/] },
    "a part of a version": { of: release({ version: "2.20" }), says: [/version is 2\.20/] },
    "any version": { of: release({ version: "2.x.x" }), says: [/version is 2\.x\.x/] },
    "plain HTTP": {
      of: release({ version: "2.20.2", repositoryOpts: { repo: "http://charts.example.com" } }),
      says: [/the chart comes from http:\/\/charts\.example\.com/],
    },
    "whatever the machine's Helm knows by the name": {
      of: release({ version: "2.20.2", repositoryOpts: undefined, chart: "kedacore/keda" }),
      says: [/the chart comes from kedacore\/keda/],
    },
  },
  unknown: {
    "a version that is not known": { of: release({ version: unknown }) },
    "a repository that is not known": {
      of: release({ version: "2.20.2", repositoryOpts: unknown }),
    },
  },
});

const gatewayApi = "https://github.com/kubernetes-sigs/gateway-api/releases/download";
const file = (file: unknown) => subject("kubernetes:yaml/v2:ConfigFile", { file });

ruleSuite("remote-manifests-pinned", {
  passes: {
    "a release's": { of: file(`${gatewayApi}/v1.6.0/standard-install.yaml`) },
    "a commit's": {
      of: file(
        "https://raw.githubusercontent.com/a/b/0123456789abcdef0123456789abcdef01234567/crds.yaml",
      ),
    },
    "a file of this project": { of: file("crds/fleet.yaml") },
    "manifests that are written here": {
      of: subject("kubernetes:yaml/v2:ConfigGroup", { yaml: "kind: Namespace" }),
    },
  },
  fails: {
    "a branch's": {
      of: file("https://raw.githubusercontent.com/a/b/main/crds.yaml"),
      says: [/https:\/\/raw\.githubusercontent\.com\/a\/b\/main\/crds\.yaml is not/],
    },
    "the latest release's": {
      of: file("https://github.com/a/b/releases/latest/download/crds.yaml"),
      says: [/latest\/download/],
    },
    "a release's over plain HTTP": {
      of: file("http://example.com/v1.6.0/crds.yaml"),
      says: [/http:\/\/example\.com/],
    },
    "one of several": {
      of: subject("kubernetes:yaml/v2:ConfigGroup", {
        files: [`${gatewayApi}/v1.6.0/standard-install.yaml`, "https://example.com/crds.yaml"],
      }),
      says: [/https:\/\/example\.com\/crds\.yaml/],
    },
    "those of the older kind of group": {
      of: subject("kubernetes:yaml:ConfigGroup", { files: "https://example.com/crds.yaml" }),
      says: [/https:\/\/example\.com\/crds\.yaml/],
    },
  },
  unknown: {
    "an address that is not known": { of: file(unknown) },
    "one of several addresses that is not known": {
      of: subject("kubernetes:yaml/v2:ConfigGroup", { files: ["crds.yaml", unknown] }),
    },
  },
});

const nodeClass = (...amiSelectorTerms: readonly unknown[]): Subject =>
  subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", { spec: { amiSelectorTerms } });

ruleSuite("node-images-pinned", {
  passes: {
    "one release of Bottlerocket": { of: nodeClass({ alias: "bottlerocket@v1.57.0" }) },
    "one release of Amazon Linux": { of: nodeClass({ alias: "al2023@v20260318" }) },
    "images by id": { of: nodeClass({ id: "ami-0123456789abcdef0" }) },
  },
  fails: {
    none: { of: nodeClass(), says: [/spec\.amiSelectorTerms is empty/] },
    "the latest": {
      of: nodeClass({ alias: "bottlerocket@latest" }),
      says: [/is chosen by bottlerocket@latest/],
    },
    "whatever has a tag or a name": {
      of: nodeClass({ tags: { team: "images" } }, { name: "fleet-*", id: "" }),
      says: [/is chosen by tags or name/, /is chosen by tags or name/],
    },
  },
  unknown: {
    "terms that are not known": {
      of: subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", {
        spec: { amiSelectorTerms: unknown },
      }),
    },
    "an alias that is not known": { of: nodeClass({ alias: unknown }) },
    "an id that is not known: it is one image's": {
      of: nodeClass({ id: unknown }),
      comesOut: "passes",
    },
  },
});

const addon = (addonVersion?: unknown) =>
  subject("aws:eks/addon:Addon", { addonName: "coredns", addonVersion });

ruleSuite("addons-pinned", {
  passes: { "one version": { of: addon("v1.14.2-eksbuild.4") } },
  fails: {
    "EKS's choice": { of: addon(), says: [/coredns has the version of EKS's choice/] },
    "the latest": { of: addon("latest"), says: [/coredns has the version latest/] },
    "a version without its build": { of: addon("v1.14.2"), says: [/the version v1\.14\.2/] },
  },
  unknown: { "a version that is not known": { of: addon(unknown) } },
});
