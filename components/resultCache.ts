import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CACHE_KEY, CACHE_TTL } from "../contracts/tasks/cache";
import { dynamoDbTable } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

export interface ResultCacheArgs {
  readonly scope: Scope;
}

/** What was answered before: one item a request, until its time is over. It can be made anew, so no backup. */
export class ResultCache extends pulumi.ComponentResource {
  readonly tableName: pulumi.Output<string>;
  readonly tableArn: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { scope }: ResultCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ResultCache", name, {}, opts);
    const table = new aws.dynamodb.Table(
      name,
      {
        name: nameIn(scope, name, dynamoDbTable),
        billingMode: "PAY_PER_REQUEST",
        hashKey: CACHE_KEY,
        attributes: [{ name: CACHE_KEY, type: "S" }],
        ttl: { enabled: true, attributeName: CACHE_TTL },
        serverSideEncryption: { enabled: true },
        pointInTimeRecovery: { enabled: true },
        deletionProtectionEnabled: scope.protectData,
      },
      { parent: this, protect: scope.protectData },
    );
    this.tableName = table.name;
    this.tableArn = table.arn;
    this.ready = [table];
    this.registerOutputs({});
  }
}
