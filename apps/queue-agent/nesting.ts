import { isJsonObject, type JsonValue } from "./json";

/** Levels of content; what walks it calls itself for each, and workflows have about ten. */
export const MOST_LEVELS = 100;

/** Whether lists and objects lie in each other more than so many levels deep. */
export function isDeeperThan(value: JsonValue, levels: number): boolean {
  const inner = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  if (inner.length === 0) return false;
  return levels === 0 || inner.some((item) => isDeeperThan(item as JsonValue, levels - 1));
}
