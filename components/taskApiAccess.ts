import type { Scope } from "./scope";

/** From where an API may be called, beside who may call it. */
export interface TaskApiAccess {
  /** `iam`: signed requests of principals that may invoke it; `key`: an API key is enough. */
  readonly authentication: "iam" | "key";
  /** Through these VPC endpoints only; empty: it is no private API. */
  readonly vpcEndpointIds: readonly string[];
  /** Of a public API: from these networks only; empty: from anywhere. */
  readonly allowedCidrs: readonly string[];
}

/** An API's resource policy, as JSON. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The API's resource policy: undefined where everybody may come to the door.
 *
 * With signed requests the account is allowed, which leaves it to its principals' own policies, and
 * everything from elsewhere is denied: an allowance alone would add nothing to what IAM allows
 * already, and one to everybody would let other accounts in. With a key alone there is no principal
 * to name, and the policy is all that decides.
 *
 * Source: API Gateway developer guide, "How API Gateway resource policies affect authorization
 * workflow".
 *
 * @param stage the stage that it is about
 */
export function taskApiPolicy(
  { partition }: Pick<Scope, "partition">,
  accountId: string,
  stage: string,
  { authentication, vpcEndpointIds, allowedCidrs }: TaskApiAccess,
): PolicyDocument | undefined {
  const [within, outside] =
    vpcEndpointIds.length > 0
      ? [
          { StringEquals: { "aws:SourceVpce": vpcEndpointIds } },
          { StringNotEquals: { "aws:SourceVpce": vpcEndpointIds } },
        ]
      : [
          { IpAddress: { "aws:SourceIp": allowedCidrs } },
          { NotIpAddress: { "aws:SourceIp": allowedCidrs } },
        ];
  if (vpcEndpointIds.length + allowedCidrs.length === 0) return undefined;
  const statement = {
    Action: "execute-api:Invoke",
    // API Gateway puts region, account and the API's id in front.
    Resource: `execute-api:/${stage}/*`,
  };
  return {
    Version: "2012-10-17",
    Statement: [
      authentication === "iam"
        ? {
            Sid: "ThisAccount",
            Effect: "Allow",
            Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
            ...statement,
          }
        : { Sid: "FromInside", Effect: "Allow", Principal: "*", ...statement, Condition: within },
      {
        Sid: "NobodyFromElsewhere",
        Effect: "Deny",
        Principal: "*",
        ...statement,
        Condition: outside,
      },
    ],
  };
}
