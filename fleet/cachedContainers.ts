import type { Framework } from "./accelerators";

/**
 * The images that SageMaker keeps on its machines ("container caching"), so that a new copy of a
 * model does not wait for a pull.
 *
 * Source: seed 004, table of supported Deep Learning Containers, announced at re:Invent 2024
 * (December 2024): "This feature is only supported when using inference components"; nothing has to
 * be configured. The table gives each container's starting version, and "We will cache latest
 * version of currently maintained images": a version at or above the starting one counts as cached
 * here, but a release that AWS no longer maintains may have left the cache since.
 *
 * Slips of the table, kept as printed: LMI's starting version is 0.29.0 but its starting container
 * 0.31.0-lmi13.0.0-cu124; the seed's code excerpt uses 0.30.0-lmi12.0.0-cu124, which is above the
 * one and below the other, and its benchmark names container "LMI V13.31". The version column is
 * taken, with which the excerpt's image is cached as the seed says it is.
 */

/** What the container's software drives. */
export type ContainerDevice = "gpu" | "neuron" | "cpu";

/** One row of the table. */
export interface CachedContainer {
  /** As the table has it, `Pytorch-GPU`. */
  readonly name: string;
  /** Column "Starting Version". */
  readonly startingVersion: string;
  /** The image's repository in the registry, `pytorch-inference`. */
  readonly repository: string;
  /** Tag of column "Starting Container". */
  readonly startingTag: string;
  /** What serves models in it. */
  readonly server: "lmi" | "tgi" | "pytorch" | "triton";
  readonly device: ContainerDevice;
}

/** When the table was published: what AWS caches changes without notice. */
export const cachedContainersSource = {
  date: "2024-12",
  source: "seed 004, Container Caching in SageMaker Inference (re:Invent 2024), supported DLCs",
} as const;

/** The account of the table's registry, and of most regions'. */
export const deepLearningContainersAccount = "763104351884";

const row = (
  name: string,
  startingVersion: string,
  image: string,
  server: CachedContainer["server"],
  device: ContainerDevice,
): CachedContainer => {
  const [repository, startingTag] = image.split(":") as [string, string];
  return { name, startingVersion, repository, startingTag, server, device };
};

const tgi = "huggingface-pytorch-tgi-inference";

/** The eight rows, in the table's order. */
export const cachedContainers: readonly CachedContainer[] = [
  row("LMI", "0.29.0", "djl-inference:0.31.0-lmi13.0.0-cu124", "lmi", "gpu"),
  row("LMI-TRT", "0.29.0", "djl-inference:0.29.0-tensorrtllm0.11.0-cu124", "lmi", "gpu"),
  row("LMI-Neuron", "0.29.0", "djl-inference:0.29.0-neuronx-sdk2.19.1", "lmi", "neuron"),
  row("TGI-GPU", "2.4.0", `${tgi}:2.4.0-tgi2.4.0-gpu-py311-cu124-ubuntu22.04-v2.0`, "tgi", "gpu"),
  row(
    "TGI-Neuron",
    "2.1.2",
    `${tgi}:2.1.2-optimum0.0.25-neuronx-py310-ubuntu22.04-v1.0`,
    "tgi",
    "neuron",
  ),
  row(
    "Pytorch-GPU",
    "2.5.1",
    "pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker",
    "pytorch",
    "gpu",
  ),
  row(
    "Pytorch-CPU",
    "2.5.1",
    "pytorch-inference:2.5.1-cpu-py311-ubuntu22.04-sagemaker",
    "pytorch",
    "cpu",
  ),
  row("Triton", "24.09", "sagemaker-tritonserver:24.09-py3", "triton", "gpu"),
];

/**
 * The accounts of the regions' registries where it is another than
 * {@link deepLearningContainersAccount}.
 *
 * Source: aws/sagemaker-python-sdk@0b734635, src/sagemaker/image_uri_config/djl-lmi.json,
 * registries of 0.30.0.
 */
export const regionalAccounts: Readonly<Record<string, string>> = {
  "af-south-1": "626614931356",
  "ap-east-1": "871362719292",
  "ap-northeast-3": "364406365360",
  "ap-southeast-3": "907027046896",
  "ca-west-1": "204538143572",
  "cn-north-1": "727897471807",
  "cn-northwest-1": "727897471807",
  "eu-south-1": "692866216735",
  "il-central-1": "780543022126",
  "me-central-1": "914824155844",
  "me-south-1": "217643126080",
  "us-gov-east-1": "446045086412",
  "us-gov-west-1": "442386744353",
};

/** The registry of the region's own containers: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`. */
export function containerRegistry(region: string): string {
  const account = Object.hasOwn(regionalAccounts, region)
    ? regionalAccounts[region]
    : deepLearningContainersAccount;
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `${account}.dkr.ecr.${region}.${suffix}`;
}

/** The image of the row's starting container in the region's registry. */
export function startingImage({ repository, startingTag }: CachedContainer, region: string) {
  return `${containerRegistry(region)}/${repository}:${startingTag}`;
}

/**
 * The row that says SageMaker caches the image, or undefined when none does: another registry (a
 * copy in one's own is another image), repository, device, an older version than the starting one,
 * or a tag of the same repository that is made for EC2 (`…-ec2`).
 *
 * @param imageUri with a tag; an image by digest alone matches no row, since rows are tags
 */
export function cachedContainer(imageUri: string): CachedContainer | undefined {
  const image = parsed(imageUri);
  if (image === undefined || image.registry !== containerRegistry(image.region)) return undefined;
  const { repository, tag } = image;
  if (/-ec2(-|$)/.test(tag)) return undefined;
  const version = tag.split("-", 1)[0] ?? "";
  return cachedContainers.find(
    (container) =>
      container.repository === repository &&
      variant(container.startingTag) === variant(tag) &&
      atLeast(version, container.startingVersion),
  );
}

/** The cached container to use instead, and why that one. */
export interface NearestCachedContainer {
  readonly container: CachedContainer;
  readonly reason: string;
}

/** What a model runs on: at least its device. */
export interface ContainerNeed {
  readonly device: ContainerDevice;
  readonly framework?: Framework;
}

/** Which row carries our server as a model artefact, by device. */
const forOurServer: Readonly<Record<ContainerDevice, { name: string; reason: string }>> = {
  gpu: {
    name: "Pytorch-GPU",
    reason:
      "it has PyTorch with CUDA, which framework cuda runs on (docs/inference-server.md), and its own " +
      "server hands on to ours; the row named Triton is NVIDIA's server, not our framework triton",
  },
  neuron: {
    name: "LMI-Neuron",
    reason:
      "it has PyTorch with the Neuron SDK; TGI-Neuron serves text only, and no PyTorch container " +
      "for Neuron is cached",
  },
  cpu: { name: "Pytorch-CPU", reason: "it is the only one without an accelerator's software" },
};

/**
 * The cached container nearest to what is needed, for the warning about one that is not cached.
 *
 * For an image of a repository in the table (an old release, or a copy in one's own registry): the
 * same repository's row for the same device. Otherwise the row that carries our server for the
 * device: Pytorch-GPU, LMI-Neuron or Pytorch-CPU. An image whose name and tag speak of no device is
 * taken for a GPU's.
 */
export function nearestCachedContainer(need: string | ContainerNeed): NearestCachedContainer {
  if (typeof need === "string") {
    const [name = "", tag = ""] = nameAndTag(need);
    const device = deviceOf(`${name}-${tag}`);
    const rows = cachedContainers.filter(
      ({ repository, device: its }) => repository === name && its === device,
    );
    const same = rows.find(({ startingTag }) => variant(startingTag) === variant(tag)) ?? rows[0];
    if (same === undefined) return nearestCachedContainer({ device });
    const { repository, startingVersion } = same;
    const reason = `SageMaker caches ${repository} of its own registry from ${startingVersion} on`;
    return { container: same, reason };
  }
  const { name, reason } = forOurServer[need.framework === "neuron" ? "neuron" : need.device];
  const container = cachedContainers.find((one) => one.name === name);
  if (container === undefined) throw new Error(`no cached container is called ${name}`);
  return { container, reason };
}

interface ImageName {
  readonly registry: string;
  readonly region: string;
  readonly repository: string;
  readonly tag: string;
}

function parsed(imageUri: string): ImageName | undefined {
  const match =
    /^(?<registry>\d{12}\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)\/(?<repository>[^:@]+):(?<tag>[^@]+)/.exec(
      imageUri,
    )?.groups;
  if (match === undefined) return undefined;
  const { registry = "", region = "", repository = "", tag = "" } = match;
  return { registry, region, repository, tag };
}

/** The last part of an image's name, and its tag. */
function nameAndTag(imageUri: string): string[] {
  return (imageUri.split("@", 1)[0]?.split("/").at(-1) ?? "").split(":");
}

/** Which of a repository's images a tag is of: they differ in device or engine. */
function variant(tag: string): string {
  if (/tensorrtllm/.test(tag)) return "tensorrt";
  return deviceOf(tag);
}

function deviceOf(text: string): ContainerDevice {
  if (/neuron|inf[12]|trn[12]/.test(text)) return "neuron";
  return /(^|[-_.])cpu([-_.]|$)/.test(text) ? "cpu" : "gpu";
}

/** Whether dotted version `version` is `least` or a later one; one that is no version is not. */
function atLeast(version: string, least: string): boolean {
  if (!/^\d+(\.\d+)*$/.test(version)) return false;
  const [own, other] = [version, least].map((it) => it.split(".").map(Number)) as [
    number[],
    number[],
  ];
  for (let part = 0; part < Math.max(own.length, other.length); part++) {
    const difference = (own[part] ?? 0) - (other[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
