import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { eventRuleName } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

/** Beside the hours after which a result counts as lost, little; and 3,000 runs a month. */
const schedule = "rate(15 minutes)";

/**
 * Has a function look now and then for results that nobody was told of.
 *
 * @returns what the function is not called without
 */
export function createResultSweep(
  name: string,
  scope: Scope,
  target: aws.lambda.Function,
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  const opts = { parent };
  const rule = new aws.cloudwatch.EventRule(
    name,
    {
      name: nameIn(scope, name, eventRuleName),
      description: "Looks for tasks whose results SageMaker has told nothing of",
      scheduleExpression: schedule,
    },
    opts,
  );
  const permission = new aws.lambda.Permission(
    name,
    {
      function: target.name,
      action: "lambda:InvokeFunction",
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
    },
    opts,
  );
  const calls = new aws.cloudwatch.EventTarget(
    name,
    {
      rule: rule.name,
      arn: target.arn,
      input: JSON.stringify({ sweep: true }),
    },
    { ...opts, dependsOn: [permission] },
  );
  return [rule, permission, calls];
}
