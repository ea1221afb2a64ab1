import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AWAITED_INDEX, TABLE_KEY, TABLE_TTL } from "../contracts/tasks/record";
import { dynamoDbTable } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

export interface TaskTableArgs {
  readonly scope: Scope;
}

/** Days that the table can be set back; the longest that DynamoDB keeps (API reference, PointInTimeRecoverySpecification). */
const recoveryDays = 35;

/** What becomes of each task: one item, until its time to live is over. */
export class TaskTable extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { scope }: TaskTableArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:TaskTable", name, {}, opts);
    const table = new aws.dynamodb.Table(
      name,
      {
        name: nameIn(scope, "tasks", dynamoDbTable),
        billingMode: "PAY_PER_REQUEST",
        hashKey: TABLE_KEY,
        attributes: [
          { name: TABLE_KEY, type: "S" },
          { name: AWAITED_INDEX.hashKey, type: "S" },
          { name: AWAITED_INDEX.rangeKey, type: "N" },
        ],
        // One partition, of 1,000 writes a second: two for each task of a managed runtime.
        globalSecondaryIndexes: [
          {
            name: AWAITED_INDEX.name,
            keySchemas: [
              { attributeName: AWAITED_INDEX.hashKey, keyType: "HASH" },
              { attributeName: AWAITED_INDEX.rangeKey, keyType: "RANGE" },
            ],
            projectionType: "KEYS_ONLY",
          },
        ],
        ttl: { enabled: true, attributeName: TABLE_TTL },
        pointInTimeRecovery: { enabled: true, recoveryPeriodInDays: recoveryDays },
        serverSideEncryption: { enabled: true },
        deletionProtectionEnabled: scope.protectData,
      },
      { parent: this, protect: scope.protectData },
    );
    this.name = table.name;
    this.arn = table.arn;
    this.ready = [table];
    this.registerOutputs({});
  }
}
