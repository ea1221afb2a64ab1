import { z } from "zod";
import { email, positive, retentionDays } from "./scalars";

export const observabilitySchema = z
  .strictObject({
    dashboard: z.boolean().default(true).describe("A CloudWatch dashboard for the environment."),
    alarmEmails: z.array(email).default([]).describe("Who is told of alarms."),
    pendingMinutes: z
      .int()
      .min(1)
      .default(20)
      .describe(
        "Minutes of missing replicas until a shortage alarm; longer than a model takes to load.",
      ),
    taskWaitMinutes: z
      .int()
      .min(1)
      .max(14 * 24 * 60)
      .default(60)
      .describe(
        "Minutes that a task of the asynchronous path may wait for its runtime until an alarm.",
      ),
    logRetentionDays: retentionDays
      .default(30)
      .describe("Days that the program's log groups are kept."),
    budget: z
      .strictObject({
        monthlyUsd: positive.describe("Amount per month, US dollars."),
        emails: z.array(email).min(1).describe("Who is told at 80 % and at 100 % forecast."),
      })
      .optional()
      .describe("An AWS budget over this environment's cost-allocation tag."),
    activateCostTags: z
      .boolean()
      .default(false)
      .describe(
        "Activate the cost-allocation tags (management account only; tags must have been seen by billing).",
      ),
  })
  .prefault({})
  .describe("Dashboard, alarms, log groups and budget.");
