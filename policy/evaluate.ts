import type { ConfiguredRule } from "./packConfig";
import { ofType, type Resource, type Stack, stackOf } from "./resource";
import type { Level } from "./rule";
import { isUnknown } from "./unknown";

export interface Violation {
  readonly policy: string;
  readonly level: Level;
  readonly urn: string;
  readonly message: string;
}

/** What one rule says of one resource. */
export interface Verdict {
  /** What is wrong, each with what to do about it. */
  readonly messages: readonly string[];
  /** The error of a value that is not known yet, where the rule had to read one. */
  readonly undecided: Error | undefined;
}

/** Asks one rule about one resource. Errors other than an unknown value are bugs and thrown. */
export function judge({ rule, config }: ConfiguredRule, resource: Resource, stack: Stack): Verdict {
  const messages: string[] = [];
  const report = (message: string) => messages.push(`${message}. ${rule.remedy}`);
  try {
    if (rule.sees === "resource") rule.check(resource, report, config);
    else rule.check(resource, stack, report, config);
    return { messages, undecided: undefined };
  } catch (error) {
    if (error instanceof SyntaxError) {
      report(`holds a document that is not JSON (${error.message})`);
      return { messages, undecided: undefined };
    }
    if (!isUnknown(error)) throw error;
    return { messages, undecided: error };
  }
}

/**
 * Asks all rules about all resources, in process.
 *
 * A rule that cannot be decided because it needs a value that only `pulumi up` will know is an
 * advisory violation, as it is in `pulumi preview`: it does not pass silently.
 */
export function evaluate(
  rules: readonly ConfiguredRule[],
  resources: readonly Resource[],
): readonly Violation[] {
  const stack = { name: stackOf(resources[0]?.urn ?? ""), resources };
  return rules
    .filter(({ level }) => level !== "disabled")
    .flatMap((configured) =>
      ofType(stack, ...configured.rule.types).flatMap((resource) =>
        violations(configured, resource, stack),
      ),
    );
}

function violations(configured: ConfiguredRule, resource: Resource, stack: Stack): Violation[] {
  const { rule, level } = configured;
  const { urn } = resource;
  const { messages, undecided } = judge(configured, resource, stack);
  return [
    ...messages.map((message): Violation => ({ policy: rule.name, level, urn, message })),
    ...(undecided === undefined
      ? []
      : [
          {
            policy: rule.name,
            level: "advisory" as const,
            urn,
            message: `cannot be decided before \`pulumi up\`: ${undecided.message}`,
          },
        ]),
  ];
}
