import { z } from "zod";
import { cidr, retentionDays } from "./scalars";

/** Services that nodes and pods call; each endpoint costs by the hour and zone. */
export const interfaceEndpointServices = [
  "ecr.api",
  "ecr.dkr",
  "sts",
  "eks",
  "eks-auth",
  "ec2",
  "elasticloadbalancing",
  "sqs",
  "sns",
  "monitoring",
  "logs",
  "ssm",
  "ssmmessages",
  "ec2messages",
  "kms",
  "sagemaker.runtime",
] as const;

export const networkSchema = z
  .strictObject({
    cidrBlock: cidr
      .refine((block) => {
        const length = Number(block.split("/")[1]);
        return length >= 16 && length <= 20;
      }, "a CIDR block of /16 to /20: EC2 allows no larger one, and pods want addresses")
      .default("10.0.0.0/16")
      .describe("Address range of the VPC that is made."),
    zones: z.int().min(2).max(6).default(2).describe("Availability zones; EKS wants two at least."),
    availabilityZones: z
      .array(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, "a zone's name, e.g. us-west-2a"))
      .min(2)
      .optional()
      .describe(
        "These zones instead of the region's first `zones`: not every zone sells every accelerator.",
      ),
    natGateways: z
      .enum(["single", "perZone"])
      .default("single")
      .describe("`single` is cheaper, `perZone` survives the loss of a zone."),
    interfaceEndpoints: z
      .array(z.enum(interfaceEndpointServices))
      .default([])
      .describe(
        "Interface endpoints, by the last part of the service's name. S3 always has its gateway endpoint.",
      ),
    flowLogs: z
      .strictObject({
        enabled: z.boolean().default(false).describe("Log the VPC's flows to CloudWatch Logs."),
        retentionDays: retentionDays.default(30).describe("Days that flow logs are kept."),
      })
      .prefault({})
      .describe("Flow logs of the VPC."),
    existing: z
      .strictObject({
        vpcId: z
          .string()
          .regex(/^vpc-[0-9a-f]{8,17}$/, "a VPC id, vpc-…")
          .describe("The VPC."),
        privateSubnetIds: z
          .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, "a subnet id, subnet-…"))
          .min(2)
          .describe("Subnets for nodes and an internal load balancer, in two zones at least."),
        publicSubnetIds: z
          .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, "a subnet id, subnet-…"))
          .default([])
          .describe("Subnets for an internet-facing load balancer."),
      })
      .optional()
      .describe("Use this VPC; nothing in it is made or changed, and the keys above do not apply."),
  })
  .prefault({})
  .describe("The VPC: made by the program, or the user's own.");
