/**
 * Whether an object has all that is wanted of it. Fields that it has beside that are defaults of the
 * server; lists are whole.
 */
export function covers(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(live) &&
      live.length === wanted.length &&
      wanted.every((each, index) => covers(live[index], each))
    );
  if (typeof wanted !== "object" || wanted === null) return live === wanted;
  if (typeof live !== "object" || live === null) return false;
  return Object.entries(wanted).every(([name, value]) =>
    covers((live as Record<string, unknown>)[name], value),
  );
}
