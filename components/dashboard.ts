import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { dashboardName } from "../fleet/names";
import { type DashboardBodyArgs, dashboardBody } from "./dashboardBody";
import { nameIn, type Scope } from "./scope";

export interface DashboardArgs extends Omit<DashboardBodyArgs, "stack" | "region" | "clusterName"> {
  readonly scope: Scope;
}

/** The CloudWatch dashboard of one environment. */
export class Dashboard extends pulumi.ComponentResource {
  /** Known before it exists. */
  readonly name: string;

  constructor(name: string, args: DashboardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:Dashboard", name, {}, opts);
    const { scope, ...rest } = args;
    const { stack, region, clusterName } = scope;
    this.name = nameIn(scope, name, dashboardName);
    new aws.cloudwatch.Dashboard(
      name,
      {
        dashboardName: this.name,
        dashboardBody: JSON.stringify(dashboardBody({ ...rest, stack, region, clusterName })),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
