/** Who runs a task: conditional writes of its record, so that one agent at a time does. */

import { randomUUID } from "node:crypto";
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, type NativeAttributeValue, unmarshall } from "@aws-sdk/util-dynamodb";
import { TABLE_KEY, type TaskFailure, type TaskRecord } from "../../contracts/tasks/record";
import { attemptOf } from "../../contracts/tasks/result";
import type { Delivery } from "./delivery";
import type { Task } from "./taskMessage";
import {
  type Claimable,
  type Completion,
  claimable,
  claimed,
  completed,
  failed,
  handedBack,
  isExpired,
  newRecord,
  retried,
} from "./transitions";

export interface ClaimsOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Who claims. */
  readonly pod: string;
  /** How long a claim holds without being renewed. */
  readonly visibilitySeconds: number;
  /** How long a record is kept that has to be made. */
  readonly taskTtlSeconds: number;
}

/** The right to run a task, and to say what has become of it. */
export interface Claim {
  readonly key: string;
  /** Of this claim only. */
  readonly token: string;
  /** Names this attempt, and its results. */
  readonly attempt: string;
  /** As the claim has left it. */
  readonly record: TaskRecord;
  /** As the claim has found it; nothing: there was none. */
  readonly before: TaskRecord | undefined;
  /** It has failed before, and was brought back from the dead-letter queue. */
  readonly isReopened: boolean;
  /**
   * Nobody has claimed it before, so that it has no results. Its attempts do not tell: those of pods
   * that had to stop are not counted.
   */
  readonly isFirst: boolean;
}

export type ClaimOutcome =
  | { readonly claim: Claim; readonly refusedBy?: undefined }
  | { readonly claim?: undefined; readonly refusedBy: TaskRecord };

/** A record changes under one's hands a few times at most. */
const ROUNDS = 5;

/** What a record has to be for a write to take place. */
interface Condition {
  readonly expression: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A write has taken place, or has met another record, or none. */
interface Written {
  readonly isDone: boolean;
  readonly met: TaskRecord | undefined;
}

/**
 * What is written follows from what was read, and is written only where that is still so: a write
 * that comes too late learns in the same call what the record has become.
 *
 * The SDK asks again when an answer got lost, and then meets what the first request has written:
 * each operation knows its own writing and counts it as done.
 */
export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** What is known of a task, as of now. */
  async find(key: string): Promise<TaskRecord | undefined> {
    const { Item } = await this.#options.client.send(
      new GetItemCommand({
        TableName: this.#options.tableName,
        Key: keyOf(key),
        ConsistentRead: true,
      }),
    );
    return recordOf(Item);
  }

  /**
   * The record that the API has made of a task, as far as its message tells: a message's first
   * delivery is not worth a read, as the write that claims the task looks at the record anyway.
   */
  expected(task: Task, { receiveCount }: Pick<Delivery, "receiveCount">): TaskRecord | undefined {
    const { requestHash, deadLetterId } = task;
    const isNew = receiveCount === 1 && requestHash !== undefined && deadLetterId === undefined;
    return isNew ? newRecord(task, this.#options) : undefined;
  }

  /** Whether the task could be claimed, if its record is as it was seen. */
  isClaimable(task: Task, seen: TaskRecord | undefined): boolean {
    return this.#claimable(task, seen) !== undefined;
  }

  /**
   * Claims a task that waits, whose claim has expired, that comes back from the dead-letter queue,
   * or that nobody knows; otherwise tells what it is.
   *
   * @param seen what was known of it a while ago
   */
  async claim(task: Task, seen: TaskRecord | undefined): Promise<ClaimOutcome> {
    const { pod, visibilitySeconds, taskTtlSeconds } = this.#options;
    const token = randomUUID();
    let current = seen;
    for (let round = 0; round < ROUNDS; round++) {
      const why = this.#claimable(task, current);
      // Nobody knows it is claimable always.
      if (why === undefined) return { refusedBy: current as TaskRecord };
      const claimant = { token, pod, nowMs: Date.now(), visibilitySeconds, taskTtlSeconds };
      const record = claimed(current, why, task, claimant);
      const { isDone, met } = await this.#put(record, unchanged(current));
      if (isDone) return { claim: claimOf(record, token, why, current) };
      if (met?.claimToken === token) return { claim: claimOf(met, token, why, current) };
      current = met;
    }
    throw new Error(`the record of ${task.key} changes all the time`);
  }

  /**
   * Prolongs a claim, by so many seconds from now. False: it is somebody else's by now.
   *
   * @param isStopping the pod was told to stop: if it dies with the task, the attempt does not count
   */
  async renew({ key, token }: Claim, seconds: number, isStopping: boolean): Promise<boolean> {
    const claimExpiresAtMs = Date.now() + seconds * 1000;
    const attributes = { claimExpiresAtMs, ...(isStopping && { isStopping }) };
    return await this.#set(key, attributes, ofToken(token));
  }

  /**
   * The task waits for its next attempt. False: the claim was somebody else's by now; so it is of
   * a failure for good.
   */
  async retry(claim: Claim, failure: TaskFailure): Promise<boolean> {
    const { isDone, met } = await this.#end(claim, retried(claim.record, failure));
    return isDone || met?.failure?.at === failure.at;
  }

  /**
   * The task waits as if it had not been claimed.
   *
   * @returns its record; nothing: the claim was somebody else's by now
   */
  async handBack(claim: Claim): Promise<TaskRecord | undefined> {
    const record = handedBack(claim);
    const { isDone, met } = await this.#end(claim, record);
    if (isDone) return record;
    return met?.state === "queued" ? met : undefined;
  }

  /** The task has failed for good. */
  async fail(claim: Claim, failure: TaskFailure, deadLetterId: string): Promise<boolean> {
    const { isDone, met } = await this.#end(claim, failed(claim.record, failure, deadLetterId));
    return isDone || met?.deadLetterId === deadLetterId;
  }

  /**
   * A task that cannot be claimed any more has failed for good, unless it is over, or another pod
   * has it. False: so it is.
   */
  async giveUp(seen: TaskRecord, failure: TaskFailure, deadLetterId: string): Promise<boolean> {
    const { pod, visibilitySeconds } = this.#options;
    const isFree =
      seen.state === "queued" ||
      (seen.state === "running" &&
        (seen.claimedBy === pod || isExpired(seen, { nowMs: Date.now(), visibilitySeconds })));
    if (!isFree) return false;
    const { isDone, met } = await this.#put(failed(seen, failure, deadLetterId), unchanged(seen));
    return isDone || met?.deadLetterId === deadLetterId;
  }

  /** Its message is in the dead-letter queue. */
  async deadLettered(key: string, deadLetterId: string): Promise<void> {
    await this.#set(
      key,
      { deadLetteredAt: new Date().toISOString() },
      {
        expression: "#state = :failed AND deadLetterId = :id",
        values: { ":failed": "failed", ":id": deadLetterId },
      },
    );
  }

  /**
   * The task has its results: its manifest is theirs. Also when the claim was lost, as the manifest
   * decides; who has claimed it since finds out by its next heartbeat. False: the task is over by
   * another way (failed, cancelled), which stays.
   */
  async complete(claim: Claim, completion: Completion): Promise<boolean> {
    let { isDone, met } = await this.#end(claim, completed(claim.record, completion));
    for (let round = 0; !isDone; round++) {
      // Forgotten by its TTL: there is nothing to say it to.
      if (met === undefined || met.state === "completed") return true;
      if (met.state !== "running" && met.state !== "queued") return false;
      if (round === ROUNDS) throw new Error(`the record of ${claim.key} changes all the time`);
      const record = completed(met, completion);
      ({ isDone, met } = await this.#put(record, unchanged(met)));
    }
    return true;
  }

  #claimable(task: Task, seen: TaskRecord | undefined): Claimable | undefined {
    const { visibilitySeconds } = this.#options;
    return claimable(seen, task, { nowMs: Date.now(), visibilitySeconds });
  }

  /** While a task is claimed, nobody else writes its record. */
  #end({ token }: Claim, record: TaskRecord): Promise<Written> {
    return this.#put(record, ofToken(token));
  }

  async #put(record: TaskRecord, condition: Condition): Promise<Written> {
    const { client, tableName } = this.#options;
    return await written(
      client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall(record, marshallOptions),
          ...conditionOf(condition),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      ),
    );
  }

  /** Sets attributes of a record that may change meanwhile. */
  async #set(
    key: string,
    attributes: Readonly<Record<string, unknown>>,
    condition: Condition,
  ): Promise<boolean> {
    const { client, tableName } = this.#options;
    const names = Object.keys(attributes);
    const set = names.map((name) => [`:new_${name}`, attributes[name]] as const);
    const values = { ...condition.values, ...Object.fromEntries(set) };
    const { isDone } = await written(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: keyOf(key),
          UpdateExpression: `SET ${names.map((name) => `${name} = :new_${name}`).join(", ")}`,
          ...conditionOf({ ...condition, values }),
        }),
      ),
    );
    return isDone;
  }
}

const marshallOptions = {
  removeUndefinedValues: true,
  // Of a context, whose numbers are the client's.
  allowImpreciseNumbers: true,
};

/** A record is as it was seen when what every write of that state changes is. */
function unchanged(seen: TaskRecord | undefined): Condition {
  if (seen === undefined) return { expression: "attribute_not_exists(#key)", values: {} };
  const { state, attempts, startedAt, repeats, requestHash } = seen;
  const { claimToken, claimExpiresAtMs, deadLetterId } = seen;
  const isState = { expression: "#state = :state", values: { ":state": state } };
  switch (state) {
    case "queued":
      return all(
        isState,
        is("attempts", attempts),
        is("startedAt", startedAt),
        is("repeats", repeats),
        is("requestHash", requestHash),
      );
    case "running":
      return all(isState, is("claimToken", claimToken), is("claimExpiresAtMs", claimExpiresAtMs));
    case "failed":
      return all(isState, is("deadLetterId", deadLetterId));
    default:
      return isState;
  }
}

function ofToken(token: string): Condition {
  return is("claimToken", token);
}

function is(name: string, value: unknown): Condition {
  if (value === undefined) return { expression: `attribute_not_exists(${name})`, values: {} };
  return { expression: `${name} = :${name}`, values: { [`:${name}`]: value } };
}

function all(...conditions: readonly Condition[]): Condition {
  return {
    expression: conditions.map(({ expression }) => expression).join(" AND "),
    values: Object.assign({}, ...conditions.map(({ values }) => values)),
  };
}

/** Attributes whose names DynamoDB reserves; it refuses aliases that are not used. */
const aliases = { "#state": "state", "#key": TABLE_KEY };

function conditionOf({ expression, values }: Condition) {
  const used = Object.entries(aliases).filter(([alias]) => expression.includes(alias));
  return {
    ConditionExpression: expression,
    ...(used.length > 0 && { ExpressionAttributeNames: Object.fromEntries(used) }),
    ...(Object.keys(values).length > 0 && {
      ExpressionAttributeValues: marshall(values, marshallOptions),
    }),
  };
}

async function written(writing: Promise<unknown>): Promise<Written> {
  try {
    await writing;
    return { isDone: true, met: undefined };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { isDone: false, met: recordOf(error.Item) };
  }
}

function keyOf(key: string) {
  return { [TABLE_KEY]: { S: key } };
}

function recordOf(item: Record<string, NativeAttributeValue> | undefined): TaskRecord | undefined {
  return item && (unmarshall(item, { wrapNumbers: Number }) as TaskRecord);
}

function claimOf(
  record: TaskRecord,
  token: string,
  why: Claimable,
  before: TaskRecord | undefined,
): Claim {
  return {
    key: record.key,
    token,
    attempt: attemptOf(token),
    record,
    before,
    isReopened: why === "dead letter",
    isFirst: before?.startedAt === undefined,
  };
}
