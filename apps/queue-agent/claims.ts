/** Who runs a task: conditional writes of its record, so that one agent at a time does. */

import { randomUUID } from "node:crypto";
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall, type NativeAttributeValue, unmarshall } from "@aws-sdk/util-dynamodb";
import {
  type StoredObject,
  TABLE_KEY,
  type TaskFailure,
  type TaskRecord,
  type TaskState,
} from "../../contracts/tasks/record";
import type { Task } from "./taskMessage";
import { clockSkewMs } from "./verdict";

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
  /** Of the results, in their names. */
  readonly attempt: string;
  /** As the claim has left it. */
  readonly record: TaskRecord;
  /** It has failed before, and was brought back from the dead-letter queue. */
  readonly isReopened: boolean;
}

export type ClaimOutcome =
  | { readonly claim: Claim; readonly refusedBy?: undefined }
  | { readonly claim?: undefined; readonly refusedBy: TaskRecord };

export interface Completion {
  readonly images: readonly StoredObject[];
  readonly output: StoredObject;
  readonly manifestKey: string;
}

/** Characters of a claim's token that name its attempt. */
const ATTEMPT_LENGTH = 8;

/** A record that changes under our hands does so a few times at most. */
const ROUNDS = 5;

/**
 * The SDK asks again when an answer got lost, and then meets what the first request has written:
 * each operation knows its own writing and counts it as done.
 */
export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /**
   * Claims a task that waits, whose claim has expired, that comes back from the dead-letter queue,
   * or that nobody knows; otherwise tells what it is.
   */
  async claim(task: Task): Promise<ClaimOutcome> {
    const token = randomUUID();
    for (let round = 0; round < ROUNDS; round++) {
      const { claim, record } = await this.#take(task, token);
      if (claim !== undefined) return { claim };
      const next =
        record === undefined
          ? await this.#create(task, token)
          : isReopening(task, record)
            ? await this.#reopen(task, token)
            : undefined;
      if (next !== undefined) return { claim: next };
      if (record !== undefined && !isReopening(task, record)) return { refusedBy: record };
    }
    throw new Error(`the record of ${task.key} changes all the time`);
  }

  /** Prolongs a claim. False: it is somebody else's by now. */
  async renew({ key, token }: Claim): Promise<boolean> {
    const { isDone } = await this.#update(key, {
      set: { claimExpiresAtMs: this.#expiresAtMs() },
      condition: "claimToken = :token",
      values: { ":token": token },
    });
    return isDone;
  }

  /**
   * The task waits for its next attempt. False: the claim was somebody else's by now; the same of
   * the next three.
   */
  async retry(claim: Claim, failure: TaskFailure): Promise<boolean> {
    const { isDone, record } = await this.#settle(claim, { state: "queued", failure });
    return isDone || record?.failure?.at === failure.at;
  }

  /** The task waits as if it had not been claimed. */
  async handBack(claim: Claim): Promise<boolean> {
    const { isDone, record } = await this.#settle(claim, {
      state: "queued",
      attempts: Math.max(0, claim.record.attempts - 1),
    });
    return isDone || record?.state === "queued";
  }

  /** The task has failed for good. */
  async fail(claim: Claim, failure: TaskFailure, deadLetterId: string): Promise<boolean> {
    const { isDone, record } = await this.#settle(claim, {
      state: "failed",
      failure,
      deadLetterId,
      finishedAt: failure.at,
    });
    return isDone || record?.deadLetterId === deadLetterId;
  }

  /** Its message is in the dead-letter queue. */
  async deadLettered(key: string, deadLetterId: string): Promise<void> {
    await this.#update(key, {
      set: { deadLetteredAt: new Date().toISOString() },
      condition: "#state = :failed AND deadLetterId = :id",
      values: { ":failed": "failed", ":id": deadLetterId },
    });
  }

  /**
   * The task has its results: its manifest is theirs. Also when the claim was lost, as the manifest
   * decides; who has claimed it since finds out by its next heartbeat. False: the task is over by
   * another way (failed, cancelled), which stays.
   */
  async complete(claim: Claim, completion: Completion, finishedAt: string): Promise<boolean> {
    const changes = { state: "completed", ...completion, finishedAt } as const;
    const { isDone, record } = await this.#settle(claim, changes, ["failure"]);
    if (isDone) return true;
    const state = record?.state;
    // Forgotten by its TTL: there is nothing to say it to.
    if (state === undefined || state === "completed") return true;
    if (state !== "running" && state !== "queued") return false;
    const again = await this.#update(claim.key, {
      set: changes,
      remove: [...claimAttributes, "failure"],
      condition: "#state IN (:running, :queued)",
      values: { ":running": "running", ":queued": "queued" },
    });
    return again.isDone || again.record?.state === "completed";
  }

  async #take(task: Task, token: string): Promise<{ claim?: Claim; record?: TaskRecord }> {
    const expired = Date.now() - clockSkewMs(this.#options.visibilitySeconds);
    const written = await this.#write(task.key, {
      expression: `SET #state = :running, ${claimExpression} ADD attempts :one`,
      condition: "#state = :queued OR (#state = :running AND claimExpiresAtMs < :expired)",
      values: {
        ...this.#claimValues(token),
        ":queued": "queued",
        ":one": 1,
        ":expired": expired,
      },
      wantsRecord: true,
    });
    const claim = claimIn(written, token, false);
    if (claim !== undefined) return { claim };
    const { record } = written;
    return record === undefined ? {} : { record };
  }

  async #reopen(task: Task, token: string): Promise<Claim | undefined> {
    const written = await this.#write(task.key, {
      expression:
        `SET #state = :running, ${claimExpression}, attempts = :one, expiresAt = :forgotten ` +
        "REMOVE failure, deadLetterId, deadLetteredAt, finishedAt",
      condition: "#state = :failed AND deadLetterId = :id",
      values: {
        ...this.#claimValues(token),
        ":failed": "failed",
        ":id": task.deadLetterId,
        ":one": 1,
        ":forgotten": this.#forgottenAt(),
      },
      wantsRecord: true,
    });
    return claimIn(written, token, true);
  }

  async #create(task: Task, token: string): Promise<Claim | undefined> {
    const { key, id, run, runtime, type, prefix, context, submittedAt } = task;
    const record: TaskRecord = {
      key,
      id,
      ...(run !== undefined && { run }),
      runtime,
      type,
      ...(prefix !== undefined && { prefix }),
      context: context as NonNullable<TaskRecord["context"]>,
      state: "running",
      createdAt: submittedAt,
      startedAt: new Date().toISOString(),
      attempts: 1,
      claimToken: token,
      claimedBy: this.#options.pod,
      claimExpiresAtMs: this.#expiresAtMs(),
      expiresAt: this.#forgottenAt(),
    };
    try {
      await this.#options.client.send(
        new PutItemCommand({
          TableName: this.#options.tableName,
          Item: marshall(record, marshallOptions),
          ConditionExpression: "attribute_not_exists(#key)",
          ExpressionAttributeNames: { "#key": TABLE_KEY },
        }),
      );
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
    return claimIn({ isDone: true, record }, token, false);
  }

  /** Ends a claim. */
  #settle(
    { key, token }: Claim,
    set: Readonly<Record<string, unknown>> & { readonly state: TaskState },
    remove: readonly string[] = [],
  ): Promise<Written> {
    return this.#update(key, {
      set,
      remove: [...claimAttributes, ...remove],
      condition: "claimToken = :token",
      values: { ":token": token },
    });
  }

  async #update(
    key: string,
    {
      set,
      remove = [],
      condition,
      values,
    }: {
      readonly set: Readonly<Record<string, unknown>>;
      readonly remove?: readonly string[];
      readonly condition: string;
      readonly values: Readonly<Record<string, unknown>>;
    },
  ): Promise<Written> {
    const entries = Object.entries(set);
    const assignments = entries.map(([name], index) => `${aliasOf(name)} = :v${index}`);
    const removal = remove.length === 0 ? "" : ` REMOVE ${remove.map(aliasOf).join(", ")}`;
    return await this.#write(key, {
      expression: `SET ${assignments.join(", ")}${removal}`,
      condition,
      values: {
        ...values,
        ...Object.fromEntries(entries.map(([, value], index) => [`:v${index}`, value])),
      },
      wantsRecord: false,
    });
  }

  async #write(
    key: string,
    { expression, condition, values, wantsRecord }: Write,
  ): Promise<Written> {
    try {
      const { Attributes } = await this.#options.client.send(
        new UpdateItemCommand({
          TableName: this.#options.tableName,
          Key: { [TABLE_KEY]: { S: key } },
          UpdateExpression: expression,
          ConditionExpression: condition,
          ...aliasesIn(`${expression} ${condition}`),
          ExpressionAttributeValues: marshall(values, marshallOptions),
          ReturnValues: wantsRecord ? "ALL_NEW" : "NONE",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
      return { isDone: true, record: recordOf(Attributes) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { isDone: false, record: recordOf(error.Item) };
    }
  }

  #claimValues(token: string) {
    return {
      ":running": "running",
      ":token": token,
      ":pod": this.#options.pod,
      ":until": this.#expiresAtMs(),
      ":now": new Date().toISOString(),
    };
  }

  #expiresAtMs(): number {
    return Date.now() + this.#options.visibilitySeconds * 1000;
  }

  #forgottenAt(): number {
    return Math.floor(Date.now() / 1000) + this.#options.taskTtlSeconds;
  }
}

interface Write {
  readonly expression: string;
  readonly condition: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly wantsRecord: boolean;
}

interface Written {
  /** Its condition held. */
  readonly isDone: boolean;
  /** As it was met, or as it is now, where that was wanted. */
  readonly record: TaskRecord | undefined;
}

const claimAttributes = ["claimToken", "claimedBy", "claimExpiresAtMs"];

const claimExpression =
  "claimToken = :token, claimedBy = :pod, claimExpiresAtMs = :until, startedAt = :now";

const marshallOptions = { removeUndefinedValues: true };

function isReopening({ deadLetterId }: Task, { state, deadLetterId: failed }: TaskRecord): boolean {
  return state === "failed" && deadLetterId !== undefined && failed === deadLetterId;
}

/** By the token, as the SDK may meet what it has written itself. */
function claimIn({ record }: Written, token: string, isReopened: boolean): Claim | undefined {
  if (record === undefined || record.claimToken !== token) return undefined;
  const { key } = record;
  return { key, token, attempt: token.slice(0, ATTEMPT_LENGTH), record, isReopened };
}

/** Attributes whose names DynamoDB reserves. */
const reservedNames = ["state", "output"];

function aliasOf(name: string): string {
  return reservedNames.includes(name) ? `#${name}` : name;
}

/** DynamoDB refuses aliases that are not used. */
function aliasesIn(expression: string): Pick<UpdateItemCommandInput, "ExpressionAttributeNames"> {
  const used = reservedNames.filter((name) => expression.includes(aliasOf(name)));
  if (used.length === 0) return {};
  return { ExpressionAttributeNames: Object.fromEntries(used.map((name) => [`#${name}`, name])) };
}

function recordOf(item: Record<string, NativeAttributeValue> | undefined): TaskRecord | undefined {
  return item === undefined ? undefined : (unmarshall(item) as TaskRecord);
}
