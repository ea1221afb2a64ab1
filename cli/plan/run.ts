import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import type { Comparable } from "./difference";
import { makePlan, type Plan } from "./makePlan";
import { isAssignment, readStackConfig, type StackConfig, withAssignment } from "./stackConfig";

export interface PlanOptions {
  readonly stack: string;
  readonly set: readonly string[];
  readonly against: readonly string[];
  readonly json: boolean;
  readonly full: boolean;
  readonly html?: string;
  readonly svg?: string;
}

/**
 * Plans, and shows it as asked for.
 *
 * @param root the folder of Pulumi.yaml
 * @returns the exit status
 */
export async function runPlan(root: string, options: PlanOptions): Promise<number> {
  if (options.against.length > 0 && (options.html ?? options.svg) !== undefined)
    throw new UserError("--html and --svg show one plan; leave out --against, or them.");
  const configured = readStackConfig(root, options.stack);
  const config = options.set.reduce(withAssignment, configured);
  const base = baseOf(root, options, configured);
  const { project } = await import("../project");
  const plan = await makePlan(project, options.stack, config);
  await writeFiles(plan, options);
  if (base !== undefined) {
    const before = await makePlan(project, base.stack, base.config).catch((error: unknown) => {
      process.stderr.write("What --against names cannot be planned:\n");
      throw error;
    });
    await showDifference(before, plan, options);
    if (plan.document.violations.length > 0) {
      const { policyLines } = await import("./planText");
      const { paintFor } = await import("../terminal");
      // The document on stdout has a shape of its own.
      const stream = options.json ? process.stderr : process.stdout;
      stream.write(`${policyLines(plan, paintFor(stream)).join("\n")}\n`);
    }
  } else if (options.json) print(JSON.stringify(plan.document, null, 2));
  else {
    const { planLines } = await import("./planText");
    const { paintFor } = await import("../terminal");
    print(planLines(plan, paintFor(process.stdout), options.full).join("\n"));
  }
  const violated = plan.document.violations.some(({ level }) => level === "mandatory");
  return violated ? ExitCode.violation : ExitCode.ok;
}

/** What `--against` names: another stack, or this stack's file with other values set. */
function baseOf(
  root: string,
  { stack, against }: PlanOptions,
  configured: StackConfig,
): { stack: string; config: StackConfig } | undefined {
  if (against.length === 0) return undefined;
  const names = against.filter((text) => !isAssignment(text));
  if (names.length > 1)
    throw new UserError(`--against takes one stack, and there are ${names.length}: ${names}`);
  const [other = stack] = names;
  const config = other === stack ? configured : readStackConfig(root, other);
  return { stack: other, config: against.filter(isAssignment).reduce(withAssignment, config) };
}

async function showDifference(
  before: Plan,
  after: Plan,
  { json, set, against }: PlanOptions,
): Promise<void> {
  const { differenceOf } = await import("./difference");
  const difference = differenceOf(comparables(before), comparables(after));
  if (json) {
    const { created, deleted, updated } = difference;
    const summary = {
      created: created.map(({ urn }) => urn),
      deleted: deleted.map(({ urn }) => urn),
      updated: updated.map(({ urn, type, changes }) => ({
        urn,
        type,
        paths: changes.map(({ path }) => path),
      })),
    };
    print(JSON.stringify(summary, null, 2));
  } else {
    const { differenceLines } = await import("./differenceText");
    const { paintFor } = await import("../terminal");
    const total = after.document.resources.length;
    const title = `From ${sideOf(before, against)} to ${sideOf(after, set)}`;
    print(differenceLines(difference, title, total, paintFor(process.stdout)).join("\n"));
  }
}

function sideOf({ document }: Plan, assignments: readonly string[]): string {
  const config = assignments.filter(isAssignment).join(", ");
  return config === "" ? document.stack : `${document.stack} with ${config}`;
}

function comparables({ document, run }: Plan): Comparable[] {
  const ignored = new Map(run.registrations.map(({ urn, ignoreChanges }) => [urn, ignoreChanges]));
  return document.resources.map((resource) => ({
    ...resource,
    ignoreChanges: ignored.get(resource.urn) ?? [],
  }));
}

async function writeFiles(plan: Plan, { html, svg }: PlanOptions): Promise<void> {
  if (svg !== undefined) {
    const { standalonePicture } = await import("./picture");
    write(svg, standalonePicture(plan));
  }
  if (html !== undefined) {
    const { page } = await import("./page");
    write(html, page(plan));
  }
}

/** Relative to where the user stands: npm changes to the project's folder first. */
function write(given: string, content: string): void {
  const file = resolve(process.env.INIT_CWD ?? "", given);
  try {
    writeFileSync(file, content);
    process.stderr.write(`wrote ${file}\n`);
  } catch (error) {
    throw new UserError(`${file} cannot be written: ${(error as Error).message}`);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
