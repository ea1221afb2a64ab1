import type { EndpointPlacement } from "./endpointPlacement";
import { type EndpointStore, storeUri } from "./endpointStore";

/** Whether requests and answers are kept, and of how many. */
export interface DataCapture {
  /** Percent of the requests. */
  readonly percent: number;
}

/** Keeps requests and answers in the endpoint's store, encrypted; the bucket's rules end that. */
export function dataCaptureOf(
  capture: DataCapture | undefined,
  store: EndpointStore,
  { kmsKeyArn }: EndpointPlacement,
) {
  if (capture === undefined) return {};
  return {
    dataCaptureConfig: {
      enableCapture: true,
      initialSamplingPercentage: capture.percent,
      destinationS3Uri: storeUri(store, "captured"),
      captureOptions: [{ captureMode: "Input" }, { captureMode: "Output" }],
      // As text; anything else is kept in base 64.
      captureContentTypeHeader: { jsonContentTypes: ["application/json"] },
      ...(kmsKeyArn === undefined ? {} : { kmsKeyId: kmsKeyArn }),
    },
  };
}

/** What a role may do for it. */
export function captureStore(capture: DataCapture | undefined, store: EndpointStore) {
  if (capture === undefined) return {};
  return { store: { of: store, reads: [], writes: ["captured"] as const } };
}
