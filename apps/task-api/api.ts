import type { Logger } from "@aws-lambda-powertools/logger";
import type { S3Client } from "@aws-sdk/client-s3";
import type { AllowedInputs } from "./contentInputs";
import type { Publisher } from "./publisher";
import type { Settings } from "./settings";
import type { TaskStore } from "./taskStore";

/** What the API's operations work with; of one request. */
export interface Api {
  readonly settings: Settings;
  readonly inputs: AllowedInputs;
  readonly store: TaskStore;
  readonly publisher: Publisher;
  readonly s3: S3Client;
  readonly log: Logger;
}
