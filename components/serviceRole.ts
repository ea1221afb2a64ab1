import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { iamRoleNamePrefix } from "../fleet/names";
import type { PolicyStatement } from "./podIdentity";
import type { ResourceStatement } from "./privateBucket";
import { prefixIn, type Scope } from "./scope";

/** A role and what it may do: users of the role wait for both. */
export interface ServiceRole {
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicy;
}

/** A service that may assume a role, and when. */
export interface Trusted {
  readonly service: string;
  readonly conditions?: PolicyStatement["Condition"];
}

/** A trust policy that lets services in, each under its conditions. */
export function serviceTrust(trusted: readonly Trusted[]): pulumi.Output<string> {
  const statements = trusted.map(
    ({ service, conditions }): Omit<ResourceStatement, "Resource"> => ({
      Effect: "Allow",
      Principal: { Service: service },
      Action: "sts:AssumeRole",
      ...(conditions === undefined ? {} : { Condition: conditions }),
    }),
  );
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}

/** A role that AWS services assume, with one policy. */
export function createServiceRole(
  name: string,
  scope: Scope,
  trusted: readonly Trusted[],
  statements: readonly PolicyStatement[],
  opts: pulumi.ResourceOptions,
): ServiceRole {
  const role = new aws.iam.Role(
    name,
    {
      namePrefix: prefixIn(scope, name, iamRoleNamePrefix),
      assumeRolePolicy: serviceTrust(trusted),
    },
    opts,
  );
  const policy = new aws.iam.RolePolicy(
    name,
    {
      role: role.name,
      policy: pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements }),
    },
    opts,
  );
  return { role, policy };
}

/** EC2's name as a service principal: an instance role's trust has no source to bind it to. */
export function ec2Service({ partition }: Scope): string {
  return partition === "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com";
}
