import { type Paint, WIDTH, wrap } from "../terminal";
import type { Violation } from "./document";
import { headerLines } from "./header";
import type { Plan } from "./makePlan";
import { kindOf, treeOf } from "./tree";
import { fullTree, shortTree } from "./treeText";
import { nameOfUrn, typeOfUrn, typesOfUrn } from "./urn";

/** The whole plan for a terminal: facts, tree, warnings. */
export function planLines(plan: Plan, paint: Paint, full: boolean): string[] {
  const [stack] = treeOf(plan.document.resources);
  return [
    ...headerLines(plan.document, plan.summary, paint),
    "",
    ...(stack === undefined ? [] : full ? fullTree(stack, paint) : shortTree(stack, paint)),
    ...notes(plan, full, paint),
    ...warningLines(plan, paint),
    ...policyLines(plan, paint),
  ];
}

/** Which resources have more in them than a plan can list. */
export function remoteTypes({ run }: Plan): string[] {
  return [...new Set(run.registrations.filter(({ remote }) => remote).map(({ type }) => type))];
}

function notes(plan: Plan, full: boolean, paint: Paint): string[] {
  const types = remoteTypes(plan).map(kindOf);
  const sentences = [
    ...(types.length === 0
      ? []
      : [
          `What is inside ${types.join(", ")} is made by their providers during \`pulumi up\` and ` +
            "is not listed here.",
        ]),
    ...(full ? [] : ["--full lists every resource, --json every field."]),
  ];
  return ["", ...wrap(sentences.join(" "), WIDTH).map((line) => paint("dim", line))];
}

/** What the policies found; last, because it decides. */
export function policyLines({ document }: Plan, paint: Paint): string[] {
  const { policies, violations } = document;
  const asked = policies.filter(({ level }) => level !== "disabled").length;
  if (asked === 0 && violations.length === 0) return [];
  const lines = violations.flatMap(({ policy, level, urn, message }) => [
    ...wrap(`${level}: ${policy}: ${message}`, WIDTH, "  ").map((line) =>
      paint(level === "mandatory" ? "red" : "yellow", line),
    ),
    paint("dim", `  ${placeOf(urn)}`),
  ]);
  return ["", `Policies: ${asked} asked, ${violated(violations)} (docs/policies.md).`, ...lines];
}

/** A resource in words: its name, its type, and the component that it is part of. */
function placeOf(urn: string): string {
  const [component] = typesOfUrn(urn).slice(-2, -1);
  const inside = component === undefined ? "" : `, in a ${kindOf(component)}`;
  return `${nameOfUrn(urn)} (${kindOf(typeOfUrn(urn))}${inside})`;
}

function violated(violations: readonly Violation[]): string {
  const mandatory = violations.filter(({ level }) => level === "mandatory").length;
  const counts = [
    [mandatory, "mandatory"],
    [violations.length - mandatory, "advisory"],
  ].flatMap(([count, level]) => (count === 0 ? [] : [`${count} ${level}`]));
  return counts.length === 0 ? "none violated" : `violations: ${counts.join(", ")}`;
}

/** Warnings of the config and of the program itself. */
export function warningsOf({ summary, run }: Plan): string[] {
  const logged = run.log.filter(({ level }) => level !== "info").map(({ message }) => message);
  return [...new Set([...summary.warnings, ...logged])];
}

function warningLines(plan: Plan, paint: Paint): string[] {
  const warnings = warningsOf(plan);
  if (warnings.length === 0) return [];
  return [
    "",
    ...warnings.flatMap((warning) =>
      wrap(`warning: ${warning}`, WIDTH, "  ").map((line) => paint("yellow", line)),
    ),
  ];
}
