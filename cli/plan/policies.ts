import { rules } from "../../policy/areas";
import { decided } from "../../policy/decided";
import { evaluate } from "../../policy/evaluate";
import { configured } from "../../policy/packConfig";
import type { Resource } from "../../policy/resource";
import { guarded } from "../../policy/unknown";
import type { Evaluation, PlannedResource } from "./document";
import type { Registration } from "./monitor";

/**
 * What the policy pack says of a plan.
 *
 * @throws UserError when policy/config.json is wrong
 */
export function evaluatePolicies(
  resources: readonly PlannedResource[],
  registrations: readonly Registration[],
): Evaluation {
  const withConfig = configured(rules, decided);
  return {
    policies: withConfig.map(({ rule, level }) => ({ name: rule.name, level })),
    violations: evaluate(withConfig, asPoliciesSee(resources, registrations)),
  };
}

/** Resources of a plan with what Pulumi's engine would tell a policy beside their inputs. */
export function asPoliciesSee(
  resources: readonly PlannedResource[],
  registrations: readonly Registration[],
): readonly Resource[] {
  const inputs = new Map(resources.map(({ urn, inputs }) => [urn, inputs]));
  return registrations.map(
    ({ urn, type, name, protect, provider, propertyDependencies }): Resource => ({
      urn,
      type,
      name,
      props: guarded(inputs.get(urn) ?? {}),
      protect,
      provider: guarded(inputs.get(providerUrn(provider))),
      sources: propertyDependencies,
    }),
  );
}

/** A reference to a provider is its URN and id, `URN::ID`. */
function providerUrn(reference: string): string {
  return reference.slice(0, Math.max(0, reference.lastIndexOf("::")));
}
