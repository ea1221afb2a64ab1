import type * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../fleet/names";

/** What every component knows of the environment that it is part of. */
export interface Scope {
  readonly project: string;
  readonly stack: string;
  readonly region: string;
  /** Profile of the shared credentials file that everything is deployed with, if any. */
  readonly profile?: string;
  /** `aws`, `aws-cn` or `aws-us-gov`, by the region. */
  readonly partition: string;
  readonly accountId: pulumi.Input<string>;
  /** Name of the EKS cluster, known before it exists: tags and policies are scoped by it. */
  readonly clusterName: string;
  /** Refuse to delete or replace what holds data. */
  readonly protectData: boolean;
}

/** A physical name of at most `limit` characters that no other stack of the account has. */
export function nameIn(
  scope: Pick<Scope, "project" | "stack">,
  part: string,
  limit: number,
): string {
  return physicalName([scope.project, scope.stack, part], limit);
}

/** The same as a prefix: AWS appends a suffix of its own, so that a replacement finds its name free. */
export function prefixIn(scope: Scope, part: string, limit: number): string {
  return `${nameIn(scope, part, limit - 1)}-`;
}

/** The partition that a region belongs to. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return "aws";
}
