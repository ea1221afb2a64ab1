import { QUEUE_AGENT, TASK_API, TASK_API_LISTS_FILE } from "../../contracts/tasks/settings";
import type { PlannedResource } from "../plan/document";
import { unfilled } from "./references";

/** An app's environment, by variable. */
export type Settings = Readonly<Record<string, string>>;

interface Variable {
  readonly name: string;
  /** Absent: Kubernetes fills it in when the pod runs. */
  readonly value?: string;
}

interface Container {
  readonly name: string;
  readonly env?: readonly Variable[];
}

/**
 * The settings of the API's function: its environment and the lists beside its code.
 *
 * @throws Error when a value is not known
 */
export function taskApiSettings(resources: readonly PlannedResource[]): Settings | undefined {
  const found = resources.find(
    ({ type, name }) => type === "aws:lambda/function:Function" && name === TASK_API,
  );
  if (found === undefined) return undefined;
  const { variables } = found.inputs.environment as { variables: Settings };
  const files = found.inputs.code as Readonly<Record<string, string>>;
  const lists = JSON.parse(files[TASK_API_LISTS_FILE]!) as Settings;
  return checked(found.urn, { ...variables, ...lists });
}

/**
 * The environments of the agents' containers, by runtime, without what Kubernetes fills in.
 *
 * @throws Error when a value is not known
 */
export function agentSettings(
  resources: readonly PlannedResource[],
): ReadonlyMap<string, Settings> {
  const settings = resources.flatMap(({ urn, inputs }): [string, Settings][] => {
    if (inputs.kind !== "Deployment") return [];
    const { spec } = inputs as {
      spec: { template: { spec: { containers: readonly Container[] } } };
    };
    const agent = spec.template.spec.containers.find(({ name }) => name === QUEUE_AGENT);
    if (agent === undefined) return [];
    const values = Object.fromEntries(
      (agent.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
    );
    return [[String(values.RUNTIME), checked(urn, values)]];
  });
  return new Map(settings);
}

function checked(urn: string, settings: Settings): Settings {
  const unknown = Object.entries(settings).flatMap(([name, value]) =>
    unfilled(value).map((text) => `${name}: ${text}`),
  );
  if (unknown.length > 0)
    throw new Error(`${urn} refers to what is not created here:\n${unknown.join("\n")}`);
  return settings;
}
