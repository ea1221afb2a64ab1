import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type ScalarAttributeType,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import type { Create, Known } from "./creation";

/** DynamoDB, by resource type. */
export const tableTypes: Readonly<Record<string, Create>> = {
  "aws:dynamodb/table:Table": async (table, { aws }) => {
    const { name, inputs } = table;
    const TableName = String(inputs.name ?? `${name}-0123456`);
    const { TableDescription } = await aws.dynamodb.send(
      new CreateTableCommand({ TableName, ...definition(table) }),
    );
    if (inputs.ttl?.enabled)
      await aws.dynamodb.send(
        new UpdateTimeToLiveCommand({
          TableName,
          TimeToLiveSpecification: { AttributeName: inputs.ttl.attributeName, Enabled: true },
        }),
      );
    if (inputs.pointInTimeRecovery?.enabled)
      await aws.dynamodb.send(
        new UpdateContinuousBackupsCommand({
          TableName,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      );
    return { name: TableName, id: TableName, arn: TableDescription!.TableArn! };
  },
};

function definition({ inputs }: Known): Omit<CreateTableCommandInput, "TableName"> {
  const provisioned = inputs.billingMode !== "PAY_PER_REQUEST" && {
    ProvisionedThroughput: {
      ReadCapacityUnits: inputs.readCapacity ?? 1,
      WriteCapacityUnits: inputs.writeCapacity ?? 1,
    },
  };
  const keyed = keysOf(inputs);
  return {
    BillingMode: inputs.billingMode ?? "PROVISIONED",
    ...provisioned,
    ...keyed,
    AttributeDefinitions: (
      inputs.attributes as readonly { name: string; type: ScalarAttributeType }[]
    ).map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
    ...(inputs.globalSecondaryIndexes !== undefined && {
      GlobalSecondaryIndexes: inputs.globalSecondaryIndexes.map((index: Known["inputs"]) => ({
        IndexName: index.name,
        ...keysOf(index),
        Projection: {
          ProjectionType: index.projectionType,
          NonKeyAttributes: index.nonKeyAttributes,
        },
        ...provisioned,
      })),
    }),
  };
}

function keysOf({ hashKey, rangeKey }: { hashKey: string; rangeKey?: string }) {
  return {
    KeySchema: [
      { AttributeName: hashKey, KeyType: "HASH" as const },
      ...(rangeKey === undefined ? [] : [{ AttributeName: rangeKey, KeyType: "RANGE" as const }]),
    ],
  };
}
