import { z } from "zod";
import { arn, cidr } from "./scalars";

export const gatewaySchema = z
  .strictObject({
    scheme: z
      .enum(["internal", "internet-facing"])
      .default("internal")
      .describe(
        "`internet-facing` wants `certificateArn` and one of `allowedCidrs`, `webAclArn`, `authentication`.",
      ),
    certificateArn: arn
      .optional()
      .describe("ACM certificate; with it the listener is HTTPS on 443."),
    tlsPolicy: z
      .string()
      .regex(/^ELBSecurityPolicy-[A-Za-z0-9-]+$/, "a security policy of Elastic Load Balancing")
      .default("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09")
      .describe("TLS policy of the HTTPS listener."),
    allowedCidrs: z
      .array(cidr)
      .default([])
      .describe(
        "Who may connect; empty: the VPC's own (primary) range, or, internet-facing, everyone.",
      ),
    webAclArn: arn
      .optional()
      .describe(
        "WAFv2 web ACL (REGIONAL) to attach. Taking the key out does not detach it: do that in AWS WAF.",
      ),
    authentication: z
      .strictObject({
        userPoolArn: arn.describe("Cognito user pool."),
        clientId: z.string().describe("Its app client."),
        domain: z.string().describe("Its domain prefix."),
      })
      .optional()
      .describe("Sign-in by Amazon Cognito before any request is forwarded (HTTPS only)."),
    idleTimeoutSeconds: z
      .int()
      .min(1)
      .max(4000)
      .default(180)
      .describe(
        "Seconds without a byte until a connection is closed: longer than the longest image.",
      ),
    deletionProtection: z.boolean().default(false).describe("Refuse to delete the load balancer."),
    stickiness: z
      .strictObject({
        durationSeconds: z
          .int()
          .min(1)
          .max(604800)
          .default(3600)
          .describe("Seconds from a client's first request."),
      })
      .optional()
      .describe("Keep a client on one unit, and on one pod of it, for this long."),
    accessLogs: z
      .strictObject({
        enabled: z.boolean().default(true).describe("Log requests to a bucket of the program."),
        retentionDays: z
          .int()
          .min(1)
          .default(30)
          .describe("Days that they are kept; for 7 more, one can be had back."),
      })
      .prefault({})
      .describe("Access logs of the load balancer."),
  })
  .prefault({})
  .describe("The load balancer in front of the models.");
