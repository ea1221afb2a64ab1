import * as aws from "@pulumi/aws";
import type { AsyncEndpointArgs } from "../../components/asyncEndpoint";
import { usageRequestsMetric } from "../../contracts/metrics";
import { scope } from "../mocks";

/** What managed endpoints are made of, for their tests. */

export const KEY = "arn:aws:kms:us-west-2:123456789012:key/customer";

export const model: AsyncEndpointArgs["model"] = {
  image: "123456789012.dkr.ecr.us-west-2.amazonaws.com/server@sha256:0123",
  repositoryArn: "arn:aws:ecr:us-west-2:123456789012:repository/server",
  artefact: {
    bucketArn: "arn:aws:s3:::models",
    bucketName: "models",
    path: "sdxl/neuron/0a1b2c",
  },
  environment: { MODEL_DIRECTORY: "/opt/ml/model" },
};

export const machines: AsyncEndpointArgs["machines"] = {
  instanceType: "ml.inf2.48xlarge",
  hasLocalStorage: false,
  devices: 12,
  startupSeconds: 1800,
};

export const deployment: AsyncEndpointArgs["deployment"] = {
  canaryPercent: 10,
  waitSeconds: 600,
  terminationWaitSeconds: 300,
};

export const alarmTopicArn = "arn:aws:sns:us-west-2:123456789012:alarms";

export const store = (name: string): AsyncEndpointArgs["store"] => ({
  bucketName: "managed",
  bucketArn: "arn:aws:s3:::managed",
  prefix: `${name}/`,
});

/** The seed's endpoint, called `campaign`. */
export function asyncArgs(more: Partial<AsyncEndpointArgs> = {}): AsyncEndpointArgs {
  return {
    scope,
    model,
    machines,
    placement: { isolated: true },
    store: store("campaign"),
    instances: { min: 0, max: 4 },
    concurrency: 12,
    usage: {
      expression: "IF(m1 != 0, m2 / (m1 * 60 / 10 * 12))",
      target: 0.75,
      scaleOutCooldownSeconds: 60,
      scaleInCooldownSeconds: 120,
    },
    requests: usageRequestsMetric("diffusion-fleet-dev-campaign", "us-west-2"),
    instancesFromZero: 1,
    backlogPerInstance: 24,
    schedules: [],
    backlogAgeMinutes: 30,
    deployment,
    topicKey: new aws.kms.Key("topics"),
    alarmTopicArn,
    logRetentionDays: 30,
    ...more,
  };
}

/**
 * Pulumi's inputs with the names of AWS's API: `name`, which stands for the resource's own, and the
 * first letter of all others.
 */
// biome-ignore lint/suspicious/noExplicitAny: inputs of any resource
export function asApi({ name, ...inputs }: any, nameInApi: string): unknown {
  return { [nameInApi]: name, ...(capitals(inputs) as object) };
}

function capitals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(capitals);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key[0]!.toUpperCase() + key.slice(1),
      capitals(inner),
    ]),
  );
}
