import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { ask } from "./awsCall";

interface Linked {
  readonly bucket: string;
  readonly key: string;
  /** How long the link holds; no longer than the credentials that sign it. */
  readonly seconds: number;
}

/** A link to GET an object. */
export async function resultLink(s3: S3Client, { bucket, key, seconds }: Linked): Promise<string> {
  const getSignedUrl = await presigner();
  return ask(
    "S3 credentials",
    getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: seconds }),
  );
}

/** A link to PUT an object of just this size and type: both headers are signed. */
export async function uploadLink(
  s3: S3Client,
  {
    bucket,
    key,
    seconds,
    bytes,
    contentType,
  }: Linked & { readonly bytes: number; readonly contentType: string },
): Promise<string> {
  const getSignedUrl = await presigner();
  return ask(
    "S3 credentials",
    getSignedUrl(
      s3,
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        ContentLength: bytes,
        ContentType: contentType,
      }),
      {
        expiresIn: seconds,
        signableHeaders: new Set(["host", "content-length", "content-type"]),
      },
    ),
  );
}

/** Loaded when it is first wanted: submitting does without. */
async function presigner() {
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  return getSignedUrl;
}
