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
  return {
    BillingMode: inputs.billingMode ?? "PROVISIONED",
    ...provisioned,
    KeySchema: [{ AttributeName: inputs.hashKey, KeyType: "HASH" }],
    AttributeDefinitions: (
      inputs.attributes as readonly { name: string; type: ScalarAttributeType }[]
    ).map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
    ...(inputs.globalSecondaryIndexes !== undefined && {
      GlobalSecondaryIndexes: inputs.globalSecondaryIndexes.map((index: Known["inputs"]) => ({
        IndexName: index.name,
        KeySchema: index.keySchemas.map((key: Known["inputs"]) => ({
          AttributeName: key.attributeName,
          KeyType: key.keyType,
        })),
        Projection: {
          ProjectionType: index.projectionType,
          NonKeyAttributes: index.nonKeyAttributes,
        },
        ...provisioned,
      })),
    }),
  };
}
