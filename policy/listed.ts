/**
 * The entries of a list. A value that stands alone is a list of itself, as in IAM's documents; what
 * is null has been left out.
 *
 * @throws UnknownValue where an entry of a guarded list is not known
 */
// biome-ignore lint/suspicious/noExplicitAny: entries of manifests, read by path
export function listed<T = any>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === undefined || value === null) return [];
  const entries = Array.isArray(value) ? value : [value as T];
  return entries.filter((entry) => entry !== null && entry !== undefined);
}
