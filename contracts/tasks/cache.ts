/** The cache of results: what a request was answered with before. */

import * as z from "zod";
import { storedObjectSchema } from "./record";

/** One item of the cache's table. */
export const cachedResultSchema = z.object({
  /** Partition key: `REVISION-HASH`. */
  key: z.string(),
  /** In the results' bucket, in the folder of the task that they were made for. */
  images: z.array(storedObjectSchema).min(1),
  output: storedObjectSchema,
  /** ISO 8601. */
  createdAt: z.string(),
  /** When DynamoDB forgets it, seconds since 1970 (TTL). */
  expiresAt: z.int(),
});

export type CachedResult = z.infer<typeof cachedResultSchema>;

/**
 * What an answer is found by.
 *
 * @param revision of the runtime that answers
 * @param hash SHA-256 of the request, hexadecimal
 */
export function cacheKeyFor(revision: string, hash: string): string {
  return `${revision}-${hash}`;
}

/** Whether it finds answers of this revision. */
export function isOfRevision(cacheKey: string, revision: string): boolean {
  return cacheKey.startsWith(cacheKeyFor(revision, ""));
}

/** The table's partition key and TTL attribute. */
export const CACHE_KEY = "key";
export const CACHE_TTL = "expiresAt";
