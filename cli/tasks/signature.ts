import { UserError } from "../../contracts/userError";
import type { ApiRequest } from "./apiRequest";

const SERVICE = "execute-api";
const executeApiHost =
  /\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|vpce\.amazonaws\.com)$/;

/** Whether a host is API Gateway's own, which takes signed requests. */
export function isSignedHost(hostname: string): boolean {
  return executeApiHost.test(hostname);
}

/**
 * Signs requests with the user's AWS credentials, as the SDK finds them.
 *
 * @param region where the API is, when its host does not say so
 */
export async function signed(
  hostname: string,
  region: string,
): Promise<(request: ApiRequest) => Promise<Readonly<Record<string, string>>>> {
  const { SignatureV4 } = await import("@smithy/signature-v4");
  const { Sha256 } = await import("@aws-crypto/sha256-js");
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  const signer = new SignatureV4({
    service: SERVICE,
    region: executeApiHost.exec(hostname)?.[1] ?? region,
    credentials: defaultProvider(),
    sha256: Sha256,
  });
  return async ({ method, url, headers, body }) => {
    const request = {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      body,
    };
    try {
      const { host: _, ...rest } = (await signer.sign(request)).headers;
      return rest;
    } catch (error) {
      if ((error as Error).name !== "CredentialsProviderError") throw error;
      throw new UserError(
        "There are no AWS credentials to sign with: set AWS_PROFILE, sign in by `aws sso login`, or " +
          `give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. (${(error as Error).message})`,
      );
    }
  };
}
