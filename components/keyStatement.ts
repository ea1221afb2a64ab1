import type * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "./podIdentity";

/** What reads and writes what a key encrypts. Source: Amazon SNS developer guide, "Configure AWS KMS permissions"; of S3 likewise. */
const READ_AND_WRITE = ["kms:GenerateDataKey", "kms:Decrypt"] as const;

/** Using a key by way of one service, and by no other. */
export function keyStatement(
  sid: string,
  service: "s3" | "sns",
  region: string,
  keyArn: pulumi.Input<string>,
  actions: string | readonly string[] = READ_AND_WRITE,
): PolicyStatement {
  return {
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: keyArn,
    Condition: { StringEquals: { "kms:ViaService": `${service}.${region}.amazonaws.com` } },
  };
}
