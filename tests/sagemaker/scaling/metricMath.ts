/**
 * CloudWatch's metric math, as far as scaling and alarms here use it: numbers, metric ids, + - * /,
 * comparisons, `[m1, m2]`, IF, FILL, MIN, MAX and SUM.
 *
 * Source of every rule: Amazon CloudWatch user guide, "Using math expressions with CloudWatch
 * metrics". The syntax is a part of JavaScript's, so jsep parses it.
 */

import jsep from "jsep";

/** Values by the second that their period starts at. A period without a value has no entry. */
export type Series = ReadonlyMap<number, number>;

/** The periods that are asked for: FILL needs to know which ones are missing. */
export interface Window {
  readonly fromSeconds: number;
  /** Exclusive. */
  readonly toSeconds: number;
  readonly periodSeconds: number;
}

type Value = number | Series | readonly Series[];

const operators: Record<string, (left: number, right: number) => number> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "==": (left, right) => Number(left === right),
  "!=": (left, right) => Number(left !== right),
  "<": (left, right) => Number(left < right),
  "<=": (left, right) => Number(left <= right),
  ">": (left, right) => Number(left > right),
  ">=": (left, right) => Number(left >= right),
};

const aggregates: Record<string, (values: readonly number[]) => number> = {
  MIN: (values) => Math.min(...values),
  MAX: (values) => Math.max(...values),
  SUM: (values) => values.reduce((sum, value) => sum + value, 0),
};

/**
 * The series that an expression gives over the series of its metrics.
 *
 * @throws Error for what is no expression of the subset, and for one that gives a number or an
 *   array: CloudWatch takes neither for an alarm.
 */
export function evaluateMetricMath(
  expression: string,
  metrics: Readonly<Record<string, Series>>,
  window: Window,
): Series {
  const result = evaluate(jsep(expression));
  if (!(result instanceof Map)) throw new Error(`"${expression}" gives no single time series.`);
  return result;

  function evaluate(node: jsep.Expression): Value {
    if (isLiteral(node) && typeof node.value === "number") return node.value;
    if (isIdentifier(node)) return metric(node.name);
    if (isArray(node)) return node.elements.map((element) => seriesOf(evaluate(element!)));
    if (isUnary(node) && node.operator === "-") return combine("-", 0, evaluate(node.argument));
    if (isBinary(node)) return combine(node.operator, evaluate(node.left), evaluate(node.right));
    if (isCall(node)) return call((node.callee as jsep.Identifier).name, node.arguments);
    throw new Error(`"${expression}" is not of the metric math supported: ${node.type}.`);
  }

  function call(name: string, args: jsep.Expression[]): Value {
    if (name === "IF") {
      const [condition, whenTrue, whenFalse] = args.map(evaluate);
      return choose(condition!, whenTrue!, whenFalse);
    }
    if (name === "FILL") {
      const by = args[1]!;
      const named = isIdentifier(by) && ["REPEAT", "LINEAR"].includes(by.name);
      return fill(seriesOf(evaluate(args[0]!)), named ? by.name : evaluate(by), window);
    }
    const aggregate = aggregates[name];
    if (aggregate) return reduce(aggregate, evaluate(args[0]!));
    throw new Error(`"${expression}" has the function ${name}, which is not supported.`);
  }

  function metric(id: string): Series {
    const series = metrics[id];
    if (!series) throw new Error(`"${expression}" names ${id}, which is no metric.`);
    return series;
  }
}

/**
 * "Missing values in a time series are treated as 0", where the other series has one; a number has
 * no timestamps of its own. "If the value of a data point causes a function to attempt to divide by
 * zero, the data point is dropped." Comparisons give 1 and 0.
 */
function combine(operator: string, left: Value, right: Value): Value {
  const apply = operators[operator];
  if (!apply) throw new Error(`Metric math has no operator ${operator} here.`);
  if (Array.isArray(left)) return left.map((one) => seriesOf(combine(operator, one, right)));
  if (Array.isArray(right)) return right.map((one) => seriesOf(combine(operator, left, one)));
  if (typeof left === "number" && typeof right === "number") return apply(left, right);
  const stamps = [left, right].flatMap((side) => (side instanceof Map ? [...side.keys()] : []));
  const result = new Map<number, number>();
  for (const at of [...new Set(stamps)].sort((a, b) => a - b)) {
    const value = apply(valueAt(left, at) ?? 0, valueAt(right, at) ?? 0);
    if (Number.isFinite(value)) result.set(at, value);
  }
  return result;
}

/**
 * Section "Using IF expressions": true is any value but 0; a missing condition gives no point; true
 * with the second argument's point missing gives 0; false gives the third argument's point or none.
 */
function choose(condition: Value, whenTrue: Value, whenFalse: Value | undefined): Value {
  if (typeof condition === "number") {
    return condition === 0 ? (whenFalse ?? new Map()) : whenTrue;
  }
  const result = new Map<number, number>();
  for (const [at, truth] of seriesOf(condition)) {
    const value = truth === 0 ? valueAt(whenFalse, at) : (valueAt(whenTrue, at) ?? 0);
    if (value !== undefined) result.set(at, value);
  }
  return result;
}

/** REPEAT is the last value before the gap, LINEAR the line over it; neither reaches outside. */
function fill(series: Series, by: Value | string, window: Window): Series {
  const result = new Map<number, number>();
  const stamps = [...series.keys()];
  for (let at = window.fromSeconds; at < window.toSeconds; at += window.periodSeconds) {
    const before = stamps.filter((stamp) => stamp <= at).at(-1);
    const after = stamps.find((stamp) => stamp >= at);
    const value =
      series.get(at) ??
      (by === "REPEAT"
        ? valueAt(series, before)
        : by === "LINEAR"
          ? between(series, at, before, after)
          : valueAt(by as Value, at));
    if (value !== undefined) result.set(at, value);
  }
  return result;
}

function between(series: Series, at: number, before?: number, after?: number) {
  if (before === undefined || after === undefined) return undefined;
  const share = (at - before) / (after - before);
  return series.get(before)! * (1 - share) + series.get(after)! * share;
}

/** Of one series a number, of an array the series over what each timestamp has. */
function reduce(aggregate: (values: readonly number[]) => number, value: Value): Value {
  if (value instanceof Map) return aggregate([...value.values()]);
  if (!Array.isArray(value)) throw new Error("MIN, MAX and SUM take series.");
  const result = new Map<number, number>();
  for (const at of new Set(value.flatMap((series) => [...series.keys()]))) {
    result.set(at, aggregate(value.flatMap((series) => series.get(at) ?? [])));
  }
  return result;
}

function valueAt(value: Value | undefined, at: number | undefined): number | undefined {
  if (typeof value === "number") return value;
  return value instanceof Map && at !== undefined ? value.get(at) : undefined;
}

function seriesOf(value: Value): Series {
  if (value instanceof Map) return value;
  throw new Error("A time series is needed here.");
}

const isLiteral = (node: jsep.Expression): node is jsep.Literal => node.type === "Literal";
const isIdentifier = (node: jsep.Expression): node is jsep.Identifier => node.type === "Identifier";
const isArray = (node: jsep.Expression): node is jsep.ArrayExpression =>
  node.type === "ArrayExpression";
const isUnary = (node: jsep.Expression): node is jsep.UnaryExpression =>
  node.type === "UnaryExpression";
const isBinary = (node: jsep.Expression): node is jsep.BinaryExpression =>
  node.type === "BinaryExpression";
const isCall = (node: jsep.Expression): node is jsep.CallExpression =>
  node.type === "CallExpression";
