import * as pulumi from "@pulumi/pulumi";

/** An endpoint's part of a bucket. */
export interface EndpointStore {
  readonly bucketName: pulumi.Input<string>;
  readonly bucketArn: pulumi.Input<string>;
  /** `NAME/`. */
  readonly prefix: string;
}

/** What lies under the endpoint's prefix: requests, answers, errors, and copies of both. */
export type StorePart = "input" | "output" | "failure" | "captured";

/** As SageMaker wants it, which puts the slash after it: `s3://BUCKET/NAME/PART`. */
export function storeUri({ bucketName, prefix }: EndpointStore, part: StorePart) {
  return pulumi.interpolate`s3://${bucketName}/${prefix}${part}`;
}

/** All objects of a part, as IAM has them. */
export function storeObjects({ bucketArn, prefix }: EndpointStore, part: StorePart) {
  return pulumi.interpolate`${bucketArn}/${prefix}${part}/*`;
}
