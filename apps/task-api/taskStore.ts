import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import {
  AWAITED_INDEX,
  TABLE_KEY,
  type TaskRecord,
  taskRecordSchema,
} from "../../contracts/tasks/record";
import { AwsUnavailable, ask } from "./awsCall";
import type { Deadline } from "./deadline";
import { invalid } from "./problem";

type Item = Record<string, AttributeValue>;

/** What came of a conditional write: done, or the record as it is instead; undefined: there is none. */
export type Written =
  | { readonly isDone: true; readonly record: TaskRecord }
  | { readonly isDone: false; readonly record: TaskRecord | undefined };

/** The table of the tasks' states, for one request. Records whose time is over count as absent, deleted or not. */
export class TaskStore {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: string,
    private readonly deadline: Deadline,
  ) {}

  /**
   * Adds a record, unless there is one with its key.
   *
   * @throws Problem when the table cannot hold the context
   */
  async add(record: TaskRecord): Promise<Written> {
    try {
      return await this.write(
        "DynamoDB PutItem",
        this.client.send(
          new PutItemCommand({
            TableName: this.table,
            Item: marshall(record, { removeUndefinedValues: true }),
            ConditionExpression: "attribute_not_exists(#key) OR #expiresAt < :now",
            ExpressionAttributeNames: { "#key": TABLE_KEY, "#expiresAt": "expiresAt" },
            ExpressionAttributeValues: { ":now": { N: String(nowSeconds()) } },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
          { abortSignal: this.deadline.work },
        ),
        record,
      );
    } catch (error) {
      // All else has been looked at: sizes, names and numbers.
      if (isInvalid(error))
        throw invalid([
          { field: "context", allowed: "JSON that DynamoDB holds: no empty names, 30 levels" },
        ]);
      throw error;
    }
  }

  /**
   * Counts one more request for a task that waits, so that nobody takes its record back.
   *
   * @param requestHash of the request; a record of another one is left alone
   */
  repeat(key: string, requestHash: string): Promise<Written> {
    return this.write(
      "DynamoDB UpdateItem",
      this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: marshall({ [TABLE_KEY]: key }),
          UpdateExpression: "ADD #repeats :one",
          ConditionExpression: "#state = :queued AND #requestHash = :requestHash",
          ExpressionAttributeNames: {
            "#repeats": "repeats",
            "#state": "state",
            "#requestHash": "requestHash",
          },
          ExpressionAttributeValues: marshall({
            ":one": 1,
            ":queued": "queued",
            ":requestHash": requestHash,
          }),
          ReturnValues: "ALL_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
        { abortSignal: this.deadline.work },
      ),
    );
  }

  /** Takes back a record that nobody else has asked for meanwhile. */
  async takeBack({ key, createdAt, requestHash }: TaskRecord): Promise<void> {
    await this.write(
      "DynamoDB DeleteItem",
      this.client.send(
        new DeleteItemCommand({
          TableName: this.table,
          Key: marshall({ [TABLE_KEY]: key }),
          ConditionExpression:
            "#state = :queued AND #requestHash = :requestHash AND #createdAt = :createdAt " +
            "AND #attempts = :none AND attribute_not_exists(#repeats) " +
            "AND attribute_not_exists(#inferenceId)",
          ExpressionAttributeNames: {
            "#state": "state",
            "#requestHash": "requestHash",
            "#createdAt": "createdAt",
            "#attempts": "attempts",
            "#repeats": "repeats",
            "#inferenceId": "inferenceId",
          },
          ExpressionAttributeValues: marshall({
            ":queued": "queued",
            ":requestHash": requestHash,
            ":createdAt": createdAt,
            ":none": 0,
          }),
        }),
        { abortSignal: this.deadline.undo },
      ),
    );
  }

  /** A record as it is now; undefined: there is none. */
  async get(key: string): Promise<TaskRecord | undefined> {
    const { Item } = await ask(
      "DynamoDB GetItem",
      this.client.send(
        new GetItemCommand({
          TableName: this.table,
          Key: marshall({ [TABLE_KEY]: key }),
          ConsistentRead: true,
        }),
        { abortSignal: this.deadline.work },
      ),
    );
    return recordOf(Item);
  }

  /** Keys of the tasks whose results should have come by then, the longest lost first. */
  async *lost(nowMs: number): AsyncGenerator<string> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await ask(
        "DynamoDB Query",
        this.client.send(
          new QueryCommand({
            TableName: this.table,
            IndexName: AWAITED_INDEX.name,
            KeyConditionExpression: "#awaits = :sagemaker AND #lostAtMs < :now",
            ExpressionAttributeNames: {
              "#awaits": AWAITED_INDEX.hashKey,
              "#lostAtMs": AWAITED_INDEX.rangeKey,
            },
            ExpressionAttributeValues: marshall({ ":sagemaker": "sagemaker", ":now": nowMs }),
            ExclusiveStartKey,
          }),
          { abortSignal: this.deadline.work },
        ),
      );
      for (const item of Items) yield unmarshall(item)[TABLE_KEY] as string;
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }

  /** Cancels a task that waits. */
  cancel(key: string, finishedAt: string): Promise<Written> {
    return this.write(
      "DynamoDB UpdateItem",
      this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: marshall({ [TABLE_KEY]: key }),
          UpdateExpression: "SET #state = :cancelled, #finishedAt = :finishedAt REMOVE #awaits",
          ConditionExpression: "#state = :queued AND #expiresAt >= :now",
          ExpressionAttributeNames: {
            "#state": "state",
            "#finishedAt": "finishedAt",
            "#awaits": "awaits",
            "#expiresAt": "expiresAt",
          },
          ExpressionAttributeValues: marshall({
            ":queued": "queued",
            ":cancelled": "cancelled",
            ":finishedAt": finishedAt,
            ":now": nowSeconds(),
          }),
          ReturnValues: "ALL_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
        { abortSignal: this.deadline.work },
      ),
    );
  }

  /**
   * Changes a record that still is as it was seen.
   *
   * @param when what it has to be; a field that is undefined may not be there
   * @param then what it is afterwards; a field that is undefined goes
   */
  change(
    key: string,
    when: Partial<TaskRecord>,
    then: Partial<TaskRecord>,
    abortSignal = this.deadline.work,
  ): Promise<Written> {
    const set = Object.entries(then).filter(([, value]) => value !== undefined);
    const removed = Object.keys(then).filter((name) => !set.some(([known]) => known === name));
    const conditions = Object.entries(when).map(([name, value]) =>
      value === undefined ? `attribute_not_exists(#${name})` : `#${name} = :is_${name}`,
    );
    const values = {
      ...Object.fromEntries(Object.entries(when).map(([name, value]) => [`:is_${name}`, value])),
      ...Object.fromEntries(set.map(([name, value]) => [`:new_${name}`, value])),
    };
    return this.write(
      "DynamoDB UpdateItem",
      this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: marshall({ [TABLE_KEY]: key }),
          UpdateExpression: [
            ...(set.length > 0
              ? [`SET ${set.map(([name]) => `#${name} = :new_${name}`).join(", ")}`]
              : []),
            ...(removed.length > 0
              ? [`REMOVE ${removed.map((name) => `#${name}`).join(", ")}`]
              : []),
          ].join(" "),
          ConditionExpression: conditions.join(" AND "),
          ExpressionAttributeNames: Object.fromEntries(
            Object.keys({ ...when, ...then }).map((name) => [`#${name}`, name]),
          ),
          ...(Object.keys(values).length > 0 && {
            ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }),
          }),
          ReturnValues: "ALL_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
        { abortSignal },
      ),
    );
  }

  private async write(
    call: string,
    sent: Promise<{ readonly Attributes?: Item | undefined }>,
    written?: TaskRecord,
  ): Promise<Written> {
    try {
      const { Attributes } = await ask(call, sent);
      return { isDone: true, record: written ?? (recordOf(Attributes) as TaskRecord) };
    } catch (error) {
      const { cause } = error as AwsUnavailable;
      if (!(cause instanceof ConditionalCheckFailedException)) throw error;
      return { isDone: false, record: recordOf(cause.Item) };
    }
  }
}

function recordOf(item: Item | undefined): TaskRecord | undefined {
  if (item === undefined) return undefined;
  const record = taskRecordSchema.parse(unmarshall(item));
  return record.expiresAt < nowSeconds() ? undefined : record;
}

function isInvalid(error: unknown): boolean {
  return error instanceof AwsUnavailable && (error.cause as Error).name === "ValidationException";
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
