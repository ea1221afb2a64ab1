import { listed } from "./listed";
import { matches } from "./pattern";
import { isPlaceholder, UnknownValue } from "./unknown";

/** One statement of a policy document, its lists always lists. */
export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  /** Whether it allows everything but what it names. */
  readonly inverted: boolean;
  readonly resources: readonly string[];
  /** Undefined in a policy of a role or user; `*` is everybody. */
  readonly principal: "*" | Readonly<Record<string, readonly string[]>> | undefined;
  /** By operator and condition key, both in lower case; condition keys know no case. */
  readonly conditions: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
}

interface Written {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Action?: string | string[];
  readonly NotAction?: string | string[];
  readonly Resource?: string | string[];
  readonly NotResource?: string | string[];
  readonly Principal?: "*" | Record<string, string | string[]>;
  readonly NotPrincipal?: unknown;
  readonly Condition?: Record<string, Record<string, string | string[]>>;
}

/** A property of AWS resources that holds a policy document. */
export type DocumentProperty = "policy" | "assumeRolePolicy";

/**
 * The statements of a policy document.
 *
 * @param document JSON text, or the same as an object
 * @param path of the property that it stands in
 * @throws UnknownValue where one stands in it that is not known, other than a resource's ARN
 * @throws SyntaxError  where the text is no JSON
 */
export function statementsOf(document: unknown, path: string): readonly Statement[] {
  const parsed = typeof document === "string" ? JSON.parse(document) : document;
  return listed<Written>(parsed?.Statement).map((written, index) => {
    if (isPlaceholder(written)) throw new UnknownValue(`${path}.Statement.${index}`);
    return statementOf(written, `${path}.Statement.${index}`);
  });
}

function statementOf(written: Written, path: string): Statement {
  const actions = listed(written.Action ?? written.NotAction).map(String);
  if (actions.some(isPlaceholder)) throw new UnknownValue(`${path}.Action`);
  if (isPlaceholder(written.Effect)) throw new UnknownValue(`${path}.Effect`);
  const resources = listed(written.Resource ?? written.NotResource).map(String);
  if (resources.some(mayBeAnything)) throw new UnknownValue(`${path}.Resource`);
  const effect = written.Effect === "Deny" ? "Deny" : "Allow";
  return {
    sid: written.Sid,
    effect,
    actions,
    inverted: [written.NotAction, written.NotResource, written.NotPrincipal].some(
      (value) => value !== undefined,
    ),
    resources,
    principal:
      effect === "Allow" && written.NotPrincipal !== undefined
        ? "*"
        : principalOf(written.Principal, `${path}.Principal`),
    conditions: conditionsOf(written.Condition, `${path}.Condition`),
  };
}

function conditionsOf(condition: Written["Condition"], path: string): Statement["conditions"] {
  if (isPlaceholder(condition)) throw new UnknownValue(path);
  return new Map(
    Object.entries(condition ?? {}).map(([operator, keys]) => {
      if (isPlaceholder(keys)) throw new UnknownValue(`${path}.${operator}`);
      const byKey = Object.entries(keys ?? {}).map(
        ([key, values]) => [key.toLowerCase(), listed(values).map(String)] as const,
      );
      return [operator.toLowerCase(), new Map(byKey)];
    }),
  );
}

function principalOf(principal: Written["Principal"], path: string): Statement["principal"] {
  if (principal === undefined || principal === null) return undefined;
  if (principal === "*") return principal;
  if (isPlaceholder(principal)) throw new UnknownValue(path);
  const byKind = Object.fromEntries(
    Object.entries(principal).map(([kind, who]) => [kind, listed(who).map(String)]),
  );
  for (const [kind, who] of Object.entries(byKind))
    if (who.some(mayBeAnything)) throw new UnknownValue(`${path}.${kind}`);
  return Object.values(byKind).some((who) => who.includes("*")) ? "*" : byKind;
}

/**
 * An output that is called ARN is that of one resource, one that is called account id is one account,
 * and one of subnet ids one subnet; of any other nobody knows before `up`.
 */
function mayBeAnything(text: string): boolean {
  return isPlaceholder(text) && !/(\.a|A)(rn|ccountId)>$|[sS]ubnetIds?(\[\d+\])?>$/.test(text);
}

/** Operators under which a statement also holds where the key is absent, or has other values. */
const loose = /not|ifexists$|^forallvalues:|^null$/;

/**
 * Whether a condition narrows a statement by one of some keys, and to more than any value.
 *
 * @param keys in which `*` stands for any text
 * @throws UnknownValue where it depends on a value that is not known
 */
export function isNarrowedBy({ conditions }: Statement, ...keys: readonly string[]): boolean {
  const narrowing = [...conditions]
    .filter(([operator]) => !loose.test(operator))
    .flatMap(([, values]) => [...values])
    .filter(
      ([key, allowed]) =>
        keys.some((it) => matches(it, key)) && allowed.length > 0 && !allowed.some(isAnybody),
    );
  if (narrowing.some(([, allowed]) => !allowed.some(mayBeAnybody))) return true;
  const [open] = narrowing;
  if (open !== undefined) throw new UnknownValue(`the condition ${open[0]}`);
  return false;
}

/** Whether a condition's value, or the account in it, is not known. */
function mayBeAnybody(value: string): boolean {
  return [value, value.split(":")[4] ?? ""].some(mayBeAnything);
}

/** Whether a condition's value leaves it open whose account: `*`, `arn:aws:sns:*:*:*`, `0.0.0.0/0`. */
function isAnybody(value: string): boolean {
  if (/^[*?]*$|^[0.:]+\/0$/.test(value)) return true;
  if (!value.startsWith("arn:")) return false;
  const [account, ...resource] = value.split(":").slice(4);
  if (account === undefined || /[*?]/.test(account)) return true;
  return account === "" && /^[*?]/.test(resource.join(":"));
}

/** Whether a statement refuses some actions to everybody who comes without TLS. */
export function refusesPlainText(statement: Statement, ...actions: readonly string[]): boolean {
  const { effect, principal, conditions, inverted } = statement;
  const [[operator, values] = [], ...others] = [...conditions];
  return (
    effect === "Deny" &&
    principal === "*" &&
    !inverted &&
    others.length === 0 &&
    operator === "bool" &&
    values?.size === 1 &&
    (values.get("aws:securetransport")?.includes("false") ?? false) &&
    actions.every((action) => statement.actions.some((denied) => matches(denied, action)))
  );
}
