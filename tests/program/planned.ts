import { resolve } from "node:path";
import { type Difference, differenceOf } from "../../cli/plan/difference";
import type { PlannedResource } from "../../cli/plan/document";
import { makePlan, type Plan } from "../../cli/plan/makePlan";
import { readStackConfig, type StackConfig, withAssignment } from "../../cli/plan/stackConfig";
import { project } from "../../cli/project";
import { UNIT_LABEL } from "../../contracts/labels";

/** Plans of the real program for tests: the same code as `npm run plan`, in this process. */

const root = resolve(__dirname, "../..");

// biome-ignore lint/suspicious/noExplicitAny: tests look into manifests by path
export type Manifest = any;

/** The plan of a shipped stack, with `PATH=VALUE` assignments. */
export function planOf(stack: string, ...assignments: string[]): Promise<Plan> {
  return planWithSecrets(stack, [], ...assignments);
}

/** The same with something encrypted in some keys, e.g. `units`, which no assignment can make. */
export function planWithSecrets(
  stack: string,
  secretKeys: readonly string[],
  ...assignments: string[]
): Promise<Plan> {
  const read = assignments.reduce(withAssignment, readStackConfig(root, stack));
  const more = secretKeys.map((key) => `diffusion-fleet:${key}`);
  const config = { ...read, secretKeys: new Set([...read.secretKeys, ...more]) };
  return withoutTraces(() => makePlan(project, stack, config));
}

/** The plan of a config that no file has, as values of its `diffusion-fleet:` keys. */
export function planOfConfig(
  stack: string,
  config: Readonly<Record<string, unknown>>,
  region = "us-west-2",
): Promise<Plan> {
  const values = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`diffusion-fleet:${key}`, value]),
  );
  const whole: StackConfig = {
    project: "diffusion-fleet",
    values: { "aws:region": region, ...values },
    secretKeys: new Set(),
  };
  return withoutTraces(() => makePlan(project, stack, whole));
}

/** Pulumi captures a stack trace several times per property, through ts-node's source maps. */
async function withoutTraces<T>(run: () => Promise<T>): Promise<T> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The resources of a Kubernetes kind, e.g. `NodePool`. */
export function ofKind(plan: Plan, kind: string): readonly PlannedResource[] {
  return plan.document.resources.filter(
    ({ type, inputs }) => type.startsWith("kubernetes:") && inputs.kind === kind,
  );
}

/** Their manifests. */
export function manifests(plan: Plan, kind: string): readonly Manifest[] {
  return ofKind(plan, kind).map(({ inputs }) => inputs);
}

/** Those of them that belong to deployment units, or, with another label, to others. */
export function manifestsOf(plan: Plan, kind: string, label = UNIT_LABEL): readonly Manifest[] {
  return manifests(plan, kind).filter(({ metadata }) => metadata.labels?.[label] !== undefined);
}

/** The one manifest of a kind that is called so. */
export function manifest(plan: Plan, kind: string, name: string): Manifest {
  const found = manifests(plan, kind).filter(({ metadata }) => metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} ${kind} are called ${name}`);
  return found[0];
}

/** The resources of a type token, e.g. `aws:sqs/queue:Queue`. */
export function ofType(plan: Plan, type: string): readonly PlannedResource[] {
  return plan.document.resources.filter((resource) => resource.type === type);
}

/** Everything that a resource waits for, directly or not. */
export function waitsFor(plan: Plan, urn: string): ReadonlySet<string> {
  const byUrn = new Map(plan.document.resources.map((resource) => [resource.urn, resource]));
  const seen = new Set<string>();
  const visit = (at: string) => {
    for (const next of byUrn.get(at)?.dependencies ?? [])
      if (!seen.has(next)) {
        seen.add(next);
        visit(next);
      }
  };
  visit(urn);
  return seen;
}

/** What `pulumi up` would do to come from one plan to another, with what it leaves to others left out. */
export function changesBetween(before: Plan, after: Plan): Difference {
  const comparable = ({ document, run }: Plan) => {
    const ignored = new Map(run.registrations.map((it) => [it.urn, it.ignoreChanges]));
    return document.resources.map((resource) => ({
      ...resource,
      ignoreChanges: ignored.get(resource.urn) ?? [],
    }));
  };
  return differenceOf(comparable(before), comparable(after));
}
