import type { CompileInputs } from "../contracts/compiledArtefact";
import { accelerator } from "../fleet/accelerators";
import { artefactOf } from "./artefacts";
import type { FleetConfig } from "./config/schema";
import type { MachineConfig } from "./config/units";
import { type Machines, machinesOf } from "./machines";
import type { ResolvedModel } from "./resolve";
import type { ResolvedRuntime } from "./resolveRuntimes";

/** A model that is to be compiled for an accelerator, and the machine that does it. */
export interface Compilation extends Machines {
  readonly name: string;
  readonly config: MachineConfig;
  readonly inputs: CompileInputs;
  /** Below the model store's prefix: the import, and what comes out. */
  readonly sourcePath: string;
  readonly artefactPath: string;
}

/**
 * Memory of a machine that compiles Neuron graphs, GiB at least. optimum-neuron's guide ("Generate
 * images with Stable Diffusion models on AWS Inferentia") recommends inf2.8xlarge or larger, which
 * is the next size above inf2.xlarge's 16 GiB; the smallest Trainium machine has 32.
 */
const neuronMemoryGiB = 32;

/** What units and runtimes load and the program compiles: each artefact once. */
export function compilationsOf(
  { models }: Pick<FleetConfig, "models">,
  served: readonly ResolvedModel[],
  runtimes: readonly ResolvedRuntime[],
  region: string,
): readonly Compilation[] {
  const compilations = new Map<string, Compilation>();
  for (const { model, config } of loadersOf(served, runtimes)) {
    const { path, compiled } = artefactOf(models, model, config.framework, config.accelerator);
    if (compiled === undefined || compilations.has(path)) continue;
    const { inputs, sourcePath } = compiled;
    const machine = machineConfig(config);
    compilations.set(path, {
      name: `compile-${model}-${config.accelerator}-${config.framework}`,
      config: machine,
      ...machinesOf(machine, region),
      inputs,
      sourcePath,
      artefactPath: path,
    });
  }
  return [...compilations.values()];
}

/** Whoever loads a model by our server; another's image has no `compile`. */
function loadersOf(served: readonly ResolvedModel[], runtimes: readonly ResolvedRuntime[]) {
  return [
    ...served.flatMap(({ name, units }) => units.map(({ config }) => ({ model: name, config }))),
    ...runtimes.flatMap(({ config }) =>
      config.model === undefined || config.image !== undefined
        ? []
        : [{ model: config.model, config }],
    ),
  ];
}

/**
 * One machine for an hour: of the sizes that serve, in the kinds of capacity that they are had in,
 * where they will do. Graphs want more memory than a replica that runs them; Triton's kernels are
 * made by the server itself.
 */
function machineConfig(loader: MachineConfig): MachineConfig {
  const { framework, nodeImage, capacityTypes, capacityReservationIds } = loader;
  const { instanceTypes, defaultInstanceType } = accelerator(loader.accelerator);
  const willDo = (name: string) =>
    framework !== "neuron" || instanceTypes[name]!.memoryGiB >= neuronMemoryGiB;
  const serving = (loader.instanceTypes ?? [defaultInstanceType]).filter(willDo);
  const machine = { accelerator: loader.accelerator, framework, nodeImage, devices: 1 };
  if (serving.length > 0)
    return { ...machine, instanceTypes: serving, capacityTypes, capacityReservationIds };
  return {
    ...machine,
    // They are in their order, the smallest first.
    instanceTypes: [Object.keys(instanceTypes).find(willDo)!],
    capacityTypes: ["on-demand"],
    capacityReservationIds: [],
  };
}
