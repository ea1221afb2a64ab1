import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { STACK_TAG } from "../contracts/tags";
import { budgetName } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

export interface BudgetArgs {
  readonly scope: Scope;
  /** US dollars a month. */
  readonly monthlyUsd: number;
  /** Who is told at 80 % spent and at 100 % forecast; one at least. */
  readonly emails: readonly string[];
}

/** A monthly budget over what carries this environment's cost-allocation tag. */
export class Budget extends pulumi.ComponentResource {
  constructor(name: string, args: BudgetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:Budget", name, {}, opts);
    new aws.budgets.Budget(
      name,
      {
        name: nameIn(args.scope, "monthly", budgetName),
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: String(args.monthlyUsd),
        limitUnit: "USD",
        costFilters: [
          // `user:` is what billing puts before a tag that the user made, `$` parts it from its value.
          { name: "TagKeyValue", values: [`user:${STACK_TAG}$${args.scope.stack}`] },
        ],
        notifications: [
          notification("ACTUAL", 80, args.emails),
          notification("FORECASTED", 100, args.emails),
        ],
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

function notification(
  notificationType: "ACTUAL" | "FORECASTED",
  threshold: number,
  emails: readonly string[],
) {
  return {
    notificationType,
    comparisonOperator: "GREATER_THAN",
    threshold,
    thresholdType: "PERCENTAGE",
    subscriberEmailAddresses: [...emails],
  };
}

/**
 * Makes tags usable in cost reports and budgets. Once per organisation: only its management account
 * may, and only for tags that billing has seen on a resource, a day or so after the first `up`.
 */
export class CostAllocationTags extends pulumi.ComponentResource {
  constructor(name: string, tagKeys: readonly string[], opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:CostAllocationTags", name, {}, opts);
    for (const tagKey of tagKeys)
      new aws.costexplorer.CostAllocationTag(
        `${name}-${tagKey}`,
        { tagKey, status: "Active" },
        { parent: this },
      );
    this.registerOutputs({});
  }
}
