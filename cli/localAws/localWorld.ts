import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { PlannedResource } from "../plan/document";
import { bucketTypes, createBucket } from "./buckets";
import type { Create, Place } from "./creation";
import { keyTypes } from "./keys";
import { MOTO_ACCOUNT } from "./moto";
import { agentSettings, type Settings, taskApiSettings } from "./plannedSettings";
import { queueTypes } from "./queues";
import { type Existing, filled, type Outputs } from "./references";
import { tableTypes } from "./tables";
import { topicTypes } from "./topics";

/** As much of a plan as is read here. */
export interface Planned {
  readonly document: { readonly resources: readonly PlannedResource[] };
  readonly summary: { readonly region: string };
}

/** What of a plan exists on this machine. */
export interface LocalWorld {
  readonly region: string;
  readonly existing: readonly Existing[];
  /** The environment that the program gives to the API's function; absent: it plans none. */
  readonly taskApi: Settings | undefined;
  /** The environment that the program gives to agents, by runtime. */
  readonly agents: ReadonlyMap<string, Settings>;
  /**
   * What a resource has that others refer to.
   *
   * @throws Error when there is none of this type and name
   */
  outputsOf(type: string, name: string): Outputs;
}

const types: Readonly<Record<string, Create>> = {
  ...bucketTypes,
  ...keyTypes,
  ...queueTypes,
  ...tableTypes,
  ...topicTypes,
};

/** What programs ask AWS for instead of creating it. */
const caller: Existing = {
  urn: "",
  type: "aws:index/getCallerIdentity:getCallerIdentity",
  name: "getCallerIdentity",
  outputs: { accountId: MOTO_ACCOUNT },
};

/**
 * Creates the queues, topics, subscriptions, tables and buckets of a plan at an endpoint that
 * answers as AWS does, with the plan's own inputs and in the plan's order, in which each comes
 * after what it refers to.
 *
 * @param endpoint e.g. moto's, of an account with nothing in it
 * @throws Error when an app's environment refers to what is not created here
 */
export async function createFromPlan(plan: Planned, endpoint: string): Promise<LocalWorld> {
  const { region } = plan.summary;
  const { resources } = plan.document;
  const place = { aws: clientsAt(endpoint, region), region, account: MOTO_ACCOUNT };
  try {
    const existing: Existing[] = [caller];
    for (const { urn, type, name, inputs, dependencies } of resources) {
      const create = types[type];
      if (create === undefined) continue;
      const known = { name, inputs: filled(inputs, existing, dependencies) };
      existing.push({ urn, type, name, outputs: await create(known, place) });
    }
    const fill = (resource: PlannedResource) => ({
      ...resource,
      inputs: filled(resource.inputs, existing, resource.dependencies),
    });
    const known = resources.map(fill);
    const taskApi = taskApiSettings(known);
    const agents = agentSettings(known);
    await createUsersBuckets([taskApi ?? {}, ...agents.values()], existing, place);
    return { region, existing, taskApi, agents, outputsOf };

    function outputsOf(type: string, name: string): Outputs {
      const found = existing.find((it) => it.type === type && it.name === name);
      if (found === undefined) throw new Error(`The plan has no ${type} called ${name}`);
      return found.outputs;
    }
  } finally {
    for (const client of Object.values(place.aws)) client.destroy();
  }
}

/** The buckets that the config says are there already. */
async function createUsersBuckets(
  settings: readonly Settings[],
  existing: readonly Existing[],
  place: Place,
): Promise<void> {
  const made = new Set(existing.map(({ outputs }) => outputs.bucket));
  const used = settings.flatMap(({ RESULTS_BUCKET, INPUTS_BUCKET }) => [
    RESULTS_BUCKET,
    INPUTS_BUCKET,
  ]);
  for (const bucket of new Set(used))
    if (bucket !== undefined && !made.has(bucket)) await createBucket(bucket, place);
}

/** Clients for an endpoint that takes any credentials. */
export function clientsAt(endpoint: string, region: string) {
  const options = {
    endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  return {
    dynamodb: new DynamoDBClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sns: new SNSClient(options),
    sqs: new SQSClient(options),
  };
}
