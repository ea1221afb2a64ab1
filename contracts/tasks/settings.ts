/** The environment variables that the program hands to the asynchronous path's apps. */

export const TASK_API = "task-api";
export const QUEUE_AGENT = "queue-agent";
export const TASK_RESULTS = "task-results";

/** Where an agent answers /health, /readiness and /metrics; no runtime beside it may listen there. */
export const AGENT_PORT = 8081;

/**
 * The file beside the function's code that has its `TaskApiLists`, as a JSON object: they have no
 * end, and Lambda gives an environment 4 KB in all.
 *
 * Source: Lambda developer guide, "Lambda quotas".
 */
export const TASK_API_LISTS_FILE = "lists.json";

/** Of the API's function, in its environment but for what is in that file. */
export interface TaskApiSettings extends TaskApiLists, Partial<ManagedTaskSettings> {
  readonly STACK: string;
  readonly TABLE_NAME: string;
  /** Topic that tasks are published to. */
  readonly TASK_TOPIC_ARN: string;
  readonly RESULTS_BUCKET: string;
  readonly INPUTS_BUCKET: string;
  /** Seconds until a task's record is forgotten. */
  readonly TASK_TTL_SECONDS: string;
  /** Seconds that links to uploads and results hold. */
  readonly LINK_SECONDS: string;
  /** Most bytes of an upload. */
  readonly UPLOAD_BYTES: string;
  readonly METRIC_NAMESPACE: string;
}

/** Of the API's function where a runtime is managed. */
export interface ManagedTaskSettings {
  /** Bucket of the endpoints' requests and answers. */
  readonly ENDPOINTS_BUCKET: string;
  /** Topic that subscribers are told of results by. */
  readonly RESULT_TOPIC_ARN: string;
  /** Seconds that SageMaker keeps a request that waits. */
  readonly REQUEST_TTL_SECONDS: string;
  /** Most bytes of a task's inputs together. */
  readonly INPUT_BYTES: string;
  /** The cache of results; absent or empty: there is none. */
  readonly CACHE_TABLE_NAME?: string;
}

/**
 * Most seconds that SageMaker keeps a request that waits. Source: SageMaker API reference,
 * InvokeEndpointAsync, RequestTTLSeconds (60 to 21600).
 */
export const LONGEST_REQUEST_SECONDS = 21_600;

/** Of the function that brings SageMaker's results back; `RUNTIMES` is in the same file. */
export interface TaskResultsSettings {
  readonly STACK: string;
  readonly TABLE_NAME: string;
  readonly RESULTS_BUCKET: string;
  readonly ENDPOINTS_BUCKET: string;
  /** Queue of SageMaker's notifications. */
  readonly QUEUE_URL: string;
  readonly RESULT_TOPIC_ARN: string;
  readonly REQUEST_TTL_SECONDS: string;
  /** The cache of results; absent or empty: there is none. */
  readonly CACHE_TABLE_NAME?: string;
  /** Seconds that an answer is used again. */
  readonly CACHE_SECONDS?: string;
  readonly METRIC_NAMESPACE: string;
  /** The managed runtimes, `runtimesSchema` as JSON. */
  readonly RUNTIMES: string;
}

/** Those of them that grow with the config. */
export interface TaskApiLists {
  /** `runtimesSchema`, as JSON. */
  readonly RUNTIMES: string;
  /** Hosts that inputs may be fetched from, `images.example.com` or `*.example.com`, by comma; empty: none. */
  readonly INPUT_HOSTS: string;
  /** Buckets that inputs may be read from by `s3://`, by comma; empty: none. */
  readonly INPUT_BUCKETS: string;
}

/** Of an agent, beside `POD_NAME` and `AWS_REGION`. */
export interface QueueAgentSettings extends Readonly<Record<string, string>> {
  readonly STACK: string;
  readonly RUNTIME: string;
  /** `fleet`, `webui` or `comfyui`. */
  readonly ADAPTER: string;
  /** Where the runtime listens, e.g. `http://127.0.0.1:8000`. */
  readonly RUNTIME_URL: string;
  readonly QUEUE_URL: string;
  readonly DEAD_LETTER_QUEUE_URL: string;
  readonly TABLE_NAME: string;
  readonly RESULTS_BUCKET: string;
  readonly INPUTS_BUCKET: string;
  readonly RESULT_TOPIC_ARN: string;
  readonly INPUT_HOSTS: string;
  readonly INPUT_BUCKETS: string;
  /** Most bytes of a task's inputs together. */
  readonly INPUT_BYTES: string;
  /** `true`: subscribers are told when a task starts, too. */
  readonly NOTIFY_RUNNING: string;
  /** `true`: tasks may ask the WebUI for another checkpoint. */
  readonly DYNAMIC_MODEL: string;
  readonly VISIBILITY_SECONDS: string;
  readonly HEARTBEAT_SECONDS: string;
  readonly MAX_ATTEMPTS: string;
  readonly MAX_RECEIVE_COUNT: string;
  readonly LONGEST_TASK_SECONDS: string;
  /** Seconds that it has to finish after SIGTERM. */
  readonly DRAIN_SECONDS: string;
  readonly TASK_TTL_SECONDS: string;
  readonly METRIC_NAMESPACE: string;
  readonly PORT: string;
}
