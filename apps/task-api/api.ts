import type { Logger } from "@aws-lambda-powertools/logger";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import type { ResultTopic } from "../queue-agent/notifications";
import type { AllowedInputs } from "./contentInputs";
import type { Deadline } from "./deadline";
import type { Publisher } from "./publisher";
import type { ResultCache } from "./resultCache";
import type { Settings } from "./settings";
import type { TaskStore } from "./taskStore";

/** What the API's operations work with; of one request. */
export interface Api {
  readonly settings: Settings;
  readonly inputs: AllowedInputs;
  readonly store: TaskStore;
  readonly publisher: Publisher;
  readonly s3: S3Client;
  readonly deadline: Deadline;
  readonly log: Logger;
  /** Absent: no runtime is managed. */
  readonly managed?: ManagedApi | undefined;
  /** Counts a request that an endpoint gets, or would have got without the cache. */
  countRequest(endpoint: string): void;
}

/** What managed runtimes' tasks need besides. */
export interface ManagedApi {
  readonly store: TaskStore;
  readonly topic: ResultTopic;
  readonly sageMaker: SageMakerRuntimeClient;
  readonly endpointsBucket: string;
  /** Absent: it is off. */
  readonly cache?: ResultCache | undefined;
}
