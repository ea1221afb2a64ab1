import assert from "node:assert/strict";
import { rules } from "../../policy/areas";
import { judge, type Verdict } from "../../policy/evaluate";
import { configured } from "../../policy/packConfig";
import { stackOf } from "../../policy/resource";
import type { Rule } from "../../policy/rule";
import { inEngine, inPlan, isPartlyKnown, type Subject, type World } from "./subject";

/** What a rule is asked: one resource, with what else there is and how the rule is set. */
export interface Question {
  readonly of: Subject;
  /** The rest of the stack. */
  readonly among?: readonly Subject[];
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface Refused extends Question {
  /** What is wrong, one pattern each, with the property or value in it. */
  readonly says: readonly RegExp[];
}

export interface UnknownValue extends Question {
  /**
   * What comes of it; in the engine too, unless it knows less there. Only what the title gives the
   * reason for is anything but undecided.
   */
  readonly comesOut?: "undecided" | "passes" | "refused";
}

/** By what is special about a resource. */
type Titled<T> = Readonly<Record<string, T>>;

export interface RuleSuite {
  readonly passes: Titled<Question>;
  readonly fails: Titled<Refused>;
  readonly unknown: Titled<UnknownValue>;
}

/** Every rule's questions, for what has to hold of all rules. */
export const suites = new Map<string, RuleSuite>();

export function ruleNamed(name: string): Rule {
  const rule = rules.find((it) => it.name === name);
  if (rule === undefined) throw new Error(`there is no rule ${name}`);
  return rule;
}

/** What a rule says, with its thresholds as they are by default or as given. */
export function verdictOn(rule: Rule, { of, among = [], config }: Question, world: World): Verdict {
  const [withConfig] = configured([rule], config === undefined ? {} : { [rule.name]: config });
  const resource = world(of);
  const resources = [resource, ...among.map(world)];
  return judge(withConfig!, resource, { name: stackOf(of.urn), resources });
}

/** A rule's tests: a resource that passes, one for each way to fail, and values that are unknown. */
export function ruleSuite(name: string, suite: RuleSuite): void {
  if (suites.has(name)) throw new Error(`${name} has two suites`);
  suites.set(name, suite);
  const rule = ruleNamed(name);
  describe(name, () => {
    for (const [title, question] of Object.entries(suite.passes))
      it(`passes ${title}`, () => {
        assert.ok(rule.types.includes(question.of.type), `it does not look at ${question.of.type}`);
        for (const world of worldsOf(question))
          assert.deepEqual(verdictOn(rule, question, world), {
            messages: [],
            undecided: undefined,
          });
      });

    for (const [title, question] of Object.entries(suite.fails))
      it(`refuses ${title}`, () => {
        assert.ok(rule.types.includes(question.of.type), `it does not look at ${question.of.type}`);
        for (const world of worldsOf(question)) {
          const { messages, undecided } = verdictOn(rule, question, world);
          assert.equal(undecided, undefined);
          assert.equal(messages.length, question.says.length, messages.join("\n"));
          question.says.forEach((pattern, index) => {
            assert.match(messages[index]!, pattern);
            assert.ok(messages[index]!.endsWith(rule.remedy), "it says what to do");
          });
        }
      });

    for (const [title, question] of Object.entries(suite.unknown)) {
      const { comesOut = "undecided" } = question;
      it(`${verbs[comesOut]} ${title}`, () => {
        assert.equal(outcome(verdictOn(rule, question, inPlan)), comesOut);
        const inIt = outcome(verdictOn(rule, question, inEngine));
        if (inIt !== comesOut) assert.equal(inIt, isPartlyKnown(question) ? "undecided" : comesOut);
      });
    }
  });
}

const verbs = { undecided: "does not decide on", passes: "passes", refused: "refuses" } as const;

function outcome({ messages, undecided }: Verdict): keyof typeof verbs {
  if (undecided !== undefined) return "undecided";
  return messages.length > 0 ? "refused" : "passes";
}

/** The engine knows less than a plan where a text is known in part. */
function worldsOf(question: Question): readonly World[] {
  return isPartlyKnown(question) ? [inPlan] : [inPlan, inEngine];
}
