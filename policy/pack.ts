import {
  type Policies,
  type PolicyConfigSchema,
  PolicyPack,
  type PolicyResource,
  type ReportViolation,
  type ResourceValidationArgs,
  type StackValidationArgs,
} from "@pulumi/policy";
import { z } from "zod";
import { areas, rules } from "./areas";
import { decided } from "./decided";
import { judge } from "./evaluate";
import { type ConfiguredRule, configured, settingsOf } from "./packConfig";
import { ofType, type Resource, type Stack, stackOf } from "./resource";
import type { Rule } from "./rule";

/** The rules as Pulumi's engine runs them: `pulumi preview --policy-pack ./policy`. */

/**
 * Every rule's settings with its level: the SDK sends a level that is left out as "advisory". A
 * mistake in policy/config.json is told here, before the engine asks anything.
 */
const initialConfig = Object.fromEntries(
  configured(rules, decided).map(({ rule, level }) => [
    rule.name,
    { ...settingsOf(decided[rule.name]), enforcementLevel: level },
  ]),
);

const policies: Policies = areas.flatMap((area) =>
  area.rules.map((rule) => ({
    name: rule.name,
    description: rule.protectsFrom,
    remediationSteps: rule.remedy,
    enforcementLevel: rule.level,
    configSchema: schemaOf(rule),
    tags: [area.title],
    ...(rule.sees === "resource"
      ? { validateResource: oneAtATime(rule) }
      : { validateStack: allAtOnce(rule) }),
  })),
);

/**
 * What each resource was asked for, by URN. At the end the engine tells the outputs, of which there
 * are none in the first preview of a cluster: its provider cannot be asked yet.
 */
const inputs = new Map<string, Resource["props"]>();

function oneAtATime(rule: Rule) {
  return (args: ResourceValidationArgs, report: ReportViolation) => {
    inputs.set(args.urn, args.props);
    if (!rule.types.includes(args.type)) return;
    const resource = resourceOf(args);
    tell([resource], { name: stackOf(args.urn), resources: [resource] }, rule, args, report);
  };
}

function allAtOnce(rule: Rule) {
  return (args: StackValidationArgs, report: ReportViolation) => {
    const resources = args.resources.map((resource) => ({
      ...resourceOf(resource),
      props: inputs.get(resource.urn) ?? resource.props,
      sources: sourcesOf(resource),
    }));
    const stack = { name: stackOf(resources[0]?.urn ?? ""), resources };
    tell(ofType(stack, ...rule.types), stack, rule, args, report);
  };
}

/** The engine is told of a value that is not known by the SDK's own error, which is thrown on. */
function tell(
  resources: readonly Resource[],
  stack: Stack,
  rule: Rule,
  args: ResourceValidationArgs | StackValidationArgs,
  report: ReportViolation,
): void {
  const { enforcementLevel: _, ...settings } = args.getConfig<{ enforcementLevel?: string }>();
  const withConfig: ConfiguredRule = {
    rule,
    level: rule.level,
    config: rule.config.parse(settings) as never,
  };
  const verdicts = resources.map((resource) => {
    const verdict = judge(withConfig, resource, stack);
    for (const message of verdict.messages) report(message, resource.urn);
    return verdict;
  });
  const undecided = verdicts.find((verdict) => verdict.undecided !== undefined);
  if (undecided !== undefined) throw undecided.undecided;
}

function resourceOf(resource: ResourceValidationArgs | PolicyResource): Resource {
  const { urn, type, name, props, opts, provider } = resource;
  return {
    urn,
    type,
    name,
    props,
    protect: opts.protect,
    provider: provider?.props,
    sources: new Map(),
  };
}

function sourcesOf({ propertyDependencies }: PolicyResource): Resource["sources"] {
  return new Map(
    Object.entries(propertyDependencies).map(([property, resources]) => [
      property,
      resources.map(({ urn }) => urn),
    ]),
  );
}

function schemaOf(rule: Rule): PolicyConfigSchema {
  const { properties = {}, required = [] } = z.toJSONSchema(rule.config, { io: "input" });
  return { properties, required } as PolicyConfigSchema;
}

new PolicyPack("diffusion-fleet", { policies }, initialConfig);
