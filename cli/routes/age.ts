const steps = [
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
] as const;

/** How long something took or is ago, in one unit, as kubectl writes it: `4s`, `12m`, `3h`, `2d`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  // Up to twice the next unit, so that 90s is not 1m.
  const [unit, size] = steps.filter(([, each]) => seconds >= 2 * each).at(-1) ?? steps[0];
  return `${Math.floor(seconds / size)}${unit}`;
}

/** How long before `at` a time was; both ISO 8601. */
export function ago(time: string, at: string): string {
  return span(Date.parse(at) - Date.parse(time));
}
