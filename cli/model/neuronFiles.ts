/**
 * A folder of compiled Neuron graphs, as optimum-neuron writes it, is imported as a whole. Source of
 * what it must have: `apps/inference-server/inference_server/frameworks/neuron_artefact.py`.
 */

import { UserError } from "../../contracts/userError";
import { MANIFEST_NAME } from "./manifest";
import { REFUSED_SUFFIX } from "./pipelineFiles";
import type { CompiledIndex } from "./pipelineIndex";

/** TorchScript around a compiled graph: the one archive of PyTorch's that is taken, for Neuron only. */
const GRAPH_NAME = "model.neuron";

/**
 * @param names of all files, relative to the folder
 * @param where the folder is, for messages
 * @throws UserError that names all that is missing or refused
 */
export function neuronFiles(
  names: readonly string[],
  { pipeline, imported }: CompiledIndex,
  where: string,
  wantsSafety: boolean,
): readonly string[] {
  const isXl = pipeline === "StableDiffusionXLPipeline";
  if (isXl && wantsSafety)
    throw new UserError(
      `${where}: ${pipeline} has no safety checker, which models.NAME.safetyChecker wants; set that to false.`,
    );
  const graphs = ["unet", "text_encoder", "vae_decoder", ...(isXl ? ["text_encoder_2"] : [])];
  const wanted = [
    ...graphs.flatMap((part) => [`${part}/${GRAPH_NAME}`, `${part}/config.json`]),
    "scheduler/scheduler_config.json",
    ...["tokenizer", ...(isXl ? ["tokenizer_2"] : [])].flatMap((part) => [
      `${part}/vocab.json`,
      `${part}/merges.txt`,
    ]),
    ...(wantsSafety ? ["safety_checker/config.json", "safety_checker/model.safetensors"] : []),
    // optimum-neuron reads it wherever the index names it.
    ...(wantsSafety || imported.includes("feature_extractor")
      ? ["feature_extractor/preprocessor_config.json"]
      : []),
  ];
  const refused = names.filter((name) => REFUSED_SUFFIX.test(name));
  const strange = names.filter(
    (name) => name.endsWith(".neuron") && !name.endsWith(`/${GRAPH_NAME}`),
  );
  const missing = wanted.filter((name) => !names.includes(name));
  const problems = [
    ...missing.map((name) =>
      name.endsWith(GRAPH_NAME)
        ? `${name}: is missing; for neuron a model is compiled first, for the device that it is to run on`
        : `${name}: is missing`,
    ),
    ...refused.map((name) => `${name}: pickle files and other frameworks' weights are not taken`),
    ...strange.map((name) => `${name}: a graph's file is called ${GRAPH_NAME}`),
  ];
  if (problems.length > 0) throw new UserError([`${where}:`, ...problems].join("\n  "));
  return names.filter((name) => name !== MANIFEST_NAME);
}
