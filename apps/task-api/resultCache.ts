import { type DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import {
  CACHE_KEY,
  type CachedResult,
  cachedResultSchema,
  cacheKeyFor,
} from "../../contracts/tasks/cache";
import type { ManagedRuntime } from "../../contracts/tasks/runtimes";
import type { TaskType } from "../../contracts/tasks/task";
import type { JsonObject } from "../queue-agent/json";
import { canonicalHash } from "./canonicalJson";

/**
 * What a request's answer is found by: the revision of what answers it, and SHA-256 of every field,
 * inputs by their bytes. Nothing: the answer may not be used again, as nobody knows the revision, or
 * the request leaves the seed to chance.
 *
 * @param content with its inputs in place
 */
export function cacheKeyOf(
  { revision }: Pick<ManagedRuntime, "revision">,
  type: TaskType,
  content: JsonObject,
): string | undefined {
  const { seed } = content;
  const isSeeded = typeof seed === "number" && Number.isInteger(seed) && seed >= 0;
  if (revision === undefined || !isSeeded) return undefined;
  return cacheKeyFor(revision, canonicalHash({ type, content }));
}

/** The table of what was answered before. */
export class ResultCache {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: string,
    private readonly abortSignal: AbortSignal,
  ) {}

  async find(key: string): Promise<CachedResult | undefined> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.table, Key: marshall({ [CACHE_KEY]: key }) }),
      { abortSignal: this.abortSignal },
    );
    if (Item === undefined) return undefined;
    const cached = cachedResultSchema.parse(unmarshall(Item));
    // DynamoDB forgets within days.
    return cached.expiresAt < Date.now() / 1000 ? undefined : cached;
  }

  /** The newest one stays: its results are kept for longest. */
  async add(cached: CachedResult): Promise<void> {
    await this.client.send(new PutItemCommand({ TableName: this.table, Item: marshall(cached) }), {
      abortSignal: this.abortSignal,
    });
  }
}
