import assert from "node:assert/strict";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { planOf } from "../program/planned";
import { deployed } from "./deployed";
import { describeOnEngine } from "./engineSuite";
import { mismatches } from "./fillIn";
import { type ExportedState, isDefaultProvider, resourcesOf, type StateResource } from "./state";

describeOnEngine("the plan", () => {
  for (const stack of ["dev", "prod", "managed"])
    describe(`of ${stack} says of what up makes`, () => {
      let plan: Plan;
      let built: ReadonlyMap<string, StateResource>;
      let ownerOf: (urn: string) => string;

      before(async () => {
        const world = await deployed(stack);
        plan = await planOf(stack);
        const state = await world.exportState("--show-secrets");
        world.close();
        ownerOf = ownersIn(state, plan);
        built = new Map(
          resourcesOf(state)
            .filter(({ urn }) => ownerOf(urn) === urn && !isDefaultProvider(urn))
            .map((resource) => [resource.urn, resource]),
        );
      });

      it("the URNs", () => {
        const planned = plan.document.resources.map(({ urn }) => urn);
        assert.deepEqual([...built.keys()].sort(), planned.sort());
      });

      it("the parents", () => {
        each((planned, resource) => assert.equal(resource.parent ?? null, planned.parent));
      });

      it("the dependencies", () => {
        each((planned, { dependencies = [], urn }) =>
          assert.deepEqual(
            [...new Set(dependencies.map(ownerOf))].sort(),
            [...planned.dependencies].sort(),
            urn,
          ),
        );
      });

      it("which ones are protected", () => {
        const planned = plan.run.registrations.filter(({ protect }) => protect);
        const really = [...built.values()].filter(({ protect }) => protect === true);
        assert.deepEqual(urnsOf(really), urnsOf(planned));
      });

      it("every input, with a value in place of each output that the plan only names", () => {
        const wrong: string[] = [];
        each((planned, { inputs = {}, urn, type }) => {
          // A component that its provider builds has its inputs there, and none in the state.
          if (isBuiltByProvider(plan, urn)) return;
          const { repository: _, ...release } = planned.inputs;
          const expected = type.startsWith("kubernetes:helm.sh/") ? release : planned.inputs;
          wrong.push(...mismatches(expected, asTheProgramGave(planned, inputs), urn));
        });
        assert.deepEqual(wrong, []);
      });

      function each(look: (planned: PlannedResource, resource: StateResource) => void): void {
        for (const planned of plan.document.resources) look(planned, built.get(planned.urn)!);
      }
    });
});

/** To whom a resource belongs in a plan, which knows no children of what a provider builds. */
function ownersIn(state: ExportedState, plan: Plan): (urn: string) => string {
  const parents = new Map(resourcesOf(state).map(({ urn, parent }) => [urn, parent]));
  return (urn) => {
    for (let at: string | undefined = urn; at !== undefined; at = parents.get(at))
      if (isBuiltByProvider(plan, at)) return at;
    return urn;
  };
}

function isBuiltByProvider({ run }: Plan, urn: string): boolean {
  return run.registrations.some((registration) => registration.urn === urn && registration.remote);
}

function urnsOf(resources: readonly { readonly urn: string }[]): string[] {
  return resources.map(({ urn }) => urn).sort();
}

/** Inputs without the tags that the AWS provider adds, and without what the engine gives a provider. */
function asTheProgramGave(
  { type, inputs: planned }: PlannedResource,
  inputs: Readonly<Record<string, unknown>>,
) {
  if (type.startsWith("pulumi:providers:")) {
    const { version: _, __internal: __, ...own } = inputs;
    return own;
  }
  if (!type.startsWith("aws:")) return inputs;
  const { tags = {}, ...others } = inputs;
  const ownTags = Object.keys((planned.tags ?? {}) as object);
  const kept = Object.entries(tags as object).filter(([key]) => ownTags.includes(key));
  return "tags" in planned ? { ...others, tags: Object.fromEntries(kept) } : others;
}
