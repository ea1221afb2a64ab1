import {
  artefactKey,
  type CompiledFramework,
  type CompileInputs,
  compilers,
} from "../contracts/compiledArtefact";
import { artefactPath } from "../contracts/serverSettings";
import type { Framework } from "../fleet/accelerators";
import type { FleetConfig, ModelConfig } from "./config/schema";

/** What a pod loads. */
export interface Artefact {
  /** Below the model store's prefix. */
  readonly path: string;
  /** What it is compiled from; absent: it is imported. */
  readonly compiled?: { readonly inputs: CompileInputs; readonly sourcePath: string };
}

/** Whether it is known by a hash what is loaded for a framework. */
export function isNamed(model: ModelConfig, framework: Framework): boolean {
  return model.artefacts[framework] !== undefined || isCompiled(model, framework);
}

/** Whether what is loaded for a framework is compiled by the program: nothing of it is imported. */
export function isCompiled(
  { artefacts, compile }: ModelConfig,
  framework: Framework,
): framework is CompiledFramework {
  return artefacts[framework] === undefined && framework in compile;
}

/** The artefact of a model for a framework on an accelerator. */
export function artefactOf(
  models: FleetConfig["models"],
  model: string,
  framework: Framework,
  accelerator: string,
): Artefact {
  const config = models[model]!;
  if (!isCompiled(config, framework))
    return { path: artefactPath(model, framework, config.artefacts[framework]) };
  // A rule of the config has it that the import is named.
  const source = config.artefacts.cuda!;
  const { sizes, batch, edits, compiler = compilers[framework] } = config.compile[framework]!;
  const inputs = { model, framework, accelerator, source, sizes, batch, edits, compiler };
  return {
    path: artefactPath(model, framework, artefactKey(inputs)),
    compiled: { inputs, sourcePath: artefactPath(model, "cuda", source) },
  };
}
