import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { AccessLogBucket } from "../components/accessLogBucket";
import { ModelBucket } from "../components/modelBucket";
import type { Scope } from "../components/scope";
import type { FleetConfig } from "./config/schema";
import { servesRealtime } from "./servingPaths";

/** What holds data, and is there before and after any cluster. */
export interface Storage {
  readonly models: {
    readonly bucketName: pulumi.Output<string>;
    readonly bucketArn: pulumi.Output<string>;
    /** Ends with a slash. */
    readonly prefix: string;
    readonly kmsKeyArn: string | undefined;
  };
  readonly accessLogs: { readonly bucketName: pulumi.Output<string> } | undefined;
  readonly accessLogsReady: readonly pulumi.Resource[];
}

/** The model store and the load balancer's access logs. */
export function storage(scope: Scope, config: FleetConfig, awsProvider: aws.Provider): Storage {
  const opts = { providers: { aws: awsProvider } };
  const { modelStore, gateway } = config;
  const models = new ModelBucket(
    "models",
    {
      scope,
      prefix: modelStore.prefix,
      noncurrentDays: modelStore.noncurrentDays,
      ...(modelStore.existingBucket === undefined
        ? {}
        : { existingBucket: modelStore.existingBucket }),
    },
    opts,
  );
  const accessLogs =
    gateway.accessLogs.enabled && servesRealtime(config)
      ? new AccessLogBucket(
          "access-logs",
          { scope, retentionDays: gateway.accessLogs.retentionDays },
          opts,
        )
      : undefined;
  return {
    models: {
      bucketName: models.bucketName,
      bucketArn: models.bucketArn,
      prefix: models.prefix,
      kmsKeyArn: modelStore.kmsKeyArn,
    },
    accessLogs,
    accessLogsReady: accessLogs?.ready ?? [],
  };
}
