/**
 * Whether a text matches a pattern as IAM has them: `*` stands for any text and `?` for one
 * character. Case does not count.
 */
export function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "is").test(text);
}
