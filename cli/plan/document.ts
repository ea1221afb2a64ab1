import { hiddenMistakes } from "./mistakes";
import { ProgramFailure } from "./programFailure";
import type { ProgramRun } from "./runProgram";
import { isStack, nameOfUrn } from "./urn";
import { printable, type WireObject, type WirePath } from "./wire";

/** A resource of the plan, as everybody outside the planner sees it. */
export interface PlannedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly string[];
}

export interface Policy {
  readonly name: string;
  readonly level: "advisory" | "mandatory" | "disabled";
}

export interface Violation {
  readonly policy: string;
  readonly level: Policy["level"];
  readonly urn: string;
  readonly message: string;
}

export interface Evaluation {
  readonly policies: readonly Policy[];
  readonly violations: readonly Violation[];
}

/** What `fleet plan --json` prints. */
export interface PlanDocument extends Evaluation {
  readonly project: string;
  readonly stack: string;
  readonly mode: string;
  readonly resources: readonly PlannedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/**
 * A program's run as plain data: unknown values named, secrets hidden.
 *
 * @throws ProgramFailure when values show that the program made a text of what is not one
 */
export function resourcesOf({ registrations, construction }: ProgramRun): PlannedResource[] {
  const position = new Map(registrations.map(({ urn }, index) => [urn, index]));
  const resources = registrations.map((registration): PlannedResource => {
    const { urn, type, name, parent, dependencies, propertyDependencies } = registration;
    const nameUnknown = (path: WirePath) => {
      const sources = propertyDependencies.get(String(path[0])) ?? [];
      const origin = construction.originOf(urn, path) ?? sources.map(nameOfUrn).join(" and ");
      return `<output of ${origin || "the program"}>`;
    };
    const inputs = plain(registration.inputs, nameUnknown);
    return {
      urn,
      type,
      name,
      parent,
      inputs: { ...inputs, ...chartRepository(type, inputs) },
      dependencies: [...dependencies].sort(
        (a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0),
      ),
    };
  });
  const mistakes = resources.flatMap(({ urn, inputs }) => hiddenMistakes(urn, inputs));
  if (mistakes.length > 0) throw new ProgramFailure(mistakes);
  return resources;
}

export function outputsOf(run: ProgramRun): Record<string, unknown> {
  const { outputs, registrations, construction } = run;
  const stack = registrations.find(({ type }) => isStack(type))?.urn ?? "stack";
  const exported = plain(
    outputs,
    (path) => `<output of ${construction.originOfExport(path) ?? `stack.${path.join(".")}`}>`,
  );
  const mistakes = hiddenMistakes(`${stack} outputs`, exported);
  if (mistakes.length > 0) throw new ProgramFailure(mistakes);
  return exported;
}

function plain(value: WireObject, nameUnknown: (path: WirePath) => string) {
  return printable(value, nameUnknown) as Record<string, unknown>;
}

/** A release names its repository inside its options, or as part of an OCI chart's address. */
function chartRepository(type: string, inputs: Record<string, unknown>) {
  if (!/^kubernetes:helm\.sh\/v\d:/.test(type)) return {};
  const { repo } = (inputs.repositoryOpts ?? {}) as { repo?: string };
  const oci = /^(oci:\/\/.*)\/[^/]+$/.exec(String(inputs.chart))?.[1];
  const repository = repo ?? oci;
  return repository === undefined ? {} : { repository };
}
