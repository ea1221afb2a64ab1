import { UserError } from "../../contracts/userError";
import type { Framework } from "../../fleet/accelerators";
import {
  cachedContainer,
  nearestCachedContainer,
  startingImage,
} from "../../fleet/cachedContainers";

/** A container that SageMaker caches and that our server runs in as part of a model's artefact. */
export interface ServerContainer {
  readonly image: string;
  /** Of its Python, `3.11`. */
  readonly python: string;
}

/**
 * Why a framework's server runs in none of them.
 *
 * Sources: of neuron, deepjavalibrary/djl-serving v0.29.0, serving/docker/pytorch-inf2.Dockerfile,
 * and apps/inference-server/requirements/neuron.in; of triton, frameworks/triton.py there.
 */
const unfit: Partial<Readonly<Record<Framework, string>>> = {
  neuron:
    "the cached container for Neuron (LMI-Neuron, SDK 2.19.1) has torch-neuronx 2.1.2, neuronx-cc " +
    "2.14 and Python 3.10, and the server wants torch-neuronx 2.8 and neuronx-cc 2.21; models " +
    "compiled by the one are not loaded by the other",
  triton:
    "the cached container for PyTorch has torch 2.5.1, and the server keeps and limits kernels as torch 2.7 and later do",
};

/** @throws UserError that says why not, and which container is meant */
export function checkContainer(
  framework: Framework,
  image: string,
  region: string,
): ServerContainer {
  const why = unfit[framework];
  if (why !== undefined)
    throw new UserError(`--framework is "${framework}"; allowed: cuda. Of ${framework}: ${why}.`);
  const container = cachedContainer(image);
  if (container === undefined) {
    const near = nearestCachedContainer(image);
    throw new UserError(
      `--container is "${image}", which SageMaker does not cache. The nearest that it does: ` +
        `${startingImage(near.container, region)} (${near.reason}).${meant(near.container, region)}`,
    );
  }
  const [, major, minor] = /-py(\d)(\d+)-/.exec(image) ?? [];
  if (!carriesServer(container) || major === undefined)
    throw new UserError(
      `--container is "${image}" (${container.name}), where the server cannot run.${meant(undefined, region)}`,
    );
  return { image, python: `${major}.${minor}` };
}

type Container = NonNullable<ReturnType<typeof cachedContainer>>;

function carriesServer({ server, device }: Container): boolean {
  return server === "pytorch" && device === "gpu";
}

/** The one that the server runs in, unless it has been named already. */
function meant(named: Container | undefined, region: string): string {
  if (named !== undefined && carriesServer(named)) return "";
  const { container } = nearestCachedContainer({ device: "gpu" });
  return ` The server runs in ${startingImage(container, region)}.`;
}
