import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { isIP } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Client, type Dispatcher } from "undici";
import { announcedBytes, limitedBytes } from "../limitedBytes";
import { isAllowedHost } from "./allowedHost";
import { isPublicAddress } from "./publicAddress";
import { InputUnavailable, tooLarge } from "./unavailable";

/** For an input, redirects included. */
const TIMEOUT_MS = 30_000;

const CONNECT_TIMEOUT_MS = 5_000;

const MOST_REDIRECTS = 3;

/** Waits before it is tried again, when the host has a passing problem. */
const RETRY_PAUSES_MS = [500, 2_000];

export interface HttpsFetcherOptions {
  /** Hosts that may be asked, `images.example.com` or `*.example.com`. */
  readonly hosts: readonly string[];
  /** Most bytes of one answer. */
  readonly maxBytes: number;
  /** All addresses of a name. Default: the machine's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  /** Certificates to trust, PEM. Default: Node's. */
  readonly ca?: string;
  /** Where to connect instead of a checked address and port 443, for tests. */
  readonly dial?: (address: string) => { readonly address: string; readonly port: number };
  /** For tests. Default: 30 s. */
  readonly timeoutMs?: number;
  /** For tests. Default: two more tries. */
  readonly retryPausesMs?: readonly number[];
}

/**
 * Fetches what a client's URL points to, and nothing that the client could not fetch itself: https
 * on port 443 of a configured host, without a password, at public addresses only. A name is
 * resolved once, all its addresses are checked, and the connection goes to those and no others, so
 * that a name whose addresses change in between does not help. Each redirect is checked as the URL
 * itself.
 *
 * @throws InputUnavailable
 * @throws the signal's reason when it was aborted
 */
export async function fetchHttps(
  url: string,
  options: HttpsFetcherOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const { timeoutMs = TIMEOUT_MS, retryPausesMs = RETRY_PAUSES_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const until = AbortSignal.any([signal, timeout]);
  for (let tries = 0; ; tries++) {
    try {
      return await followed(new URL(url), options, until);
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted)
        throw new InputUnavailable(`is not there within ${timeoutMs / 1000} s`, true);
      const retryPauseMs = retryPausesMs[tries];
      if (!(error instanceof InputUnavailable && error.isPassing) || retryPauseMs === undefined)
        throw error;
      await pause(retryPauseMs, undefined, { signal: until }).catch(() => {});
    }
  }
}

/**
 * Why a URL may not be fetched, as far as the URL tells; nothing: it may.
 *
 * @param hosts as configured
 */
export function httpsProblem(url: URL, hosts: readonly string[]): string | undefined {
  if (url.protocol !== "https:") return "is not https: inputs are fetched by https only";
  if (url.username !== "" || url.password !== "") return "has a user or a password in it";
  if (url.port !== "") return `is on port ${url.port}: only 443 is allowed`;
  if (isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0) return "has an address instead of a host";
  if (!isAllowedHost(url.hostname, hosts)) {
    const known = hosts.length === 0 ? "none is" : `these are: ${hosts.join(", ")}`;
    return `is on the host ${url.hostname}, which is not allowed; ${known}`;
  }
  return undefined;
}

async function followed(
  first: URL,
  options: HttpsFetcherOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  let url = first;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const problem = httpsProblem(url, options.hosts);
    if (problem !== undefined)
      throw new InputUnavailable(redirects === 0 ? problem : `is redirected to what ${problem}`);
    const found = await get(url, options, signal);
    if (Buffer.isBuffer(found)) return found;
    url = found;
  }
  throw new InputUnavailable(`is redirected more than ${MOST_REDIRECTS} times`);
}

/** The bytes, or where to look instead. */
async function get(
  url: URL,
  { maxBytes, resolve = addressesOf, ca, dial }: HttpsFetcherOptions,
  signal: AbortSignal,
): Promise<Buffer | URL> {
  const addresses = await checked(url.hostname, resolve);
  const port = dial === undefined ? 443 : dial(addresses[0]!).port;
  const targets = dial === undefined ? addresses : addresses.map((each) => dial(each).address);
  const client = new Client(`https://${url.hostname}:${port}`, {
    connect: { lookup: pinned(targets), timeout: CONNECT_TIMEOUT_MS, ...(ca && { ca }) },
    pipelining: 0,
  });
  try {
    const answer = await client.request({
      method: "GET",
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, accept: "image/*,video/*" },
      signal,
    });
    return await read(url, answer, maxBytes);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InputUnavailable) throw error;
    throw new InputUnavailable(`cannot be fetched: ${(error as Error).message}`, true, {
      cause: error,
    });
  } finally {
    await client.destroy();
  }
}

async function read(
  url: URL,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Buffer | URL> {
  if (statusCode === 200)
    return limitedBytes(body, {
      maxBytes,
      announcedBytes: announcedBytes(headers["content-length"]),
      tooMany: () => tooLarge(maxBytes),
    });
  body.on("error", () => {}).destroy();
  const { location } = headers;
  if ([301, 302, 303, 307, 308].includes(statusCode) && typeof location === "string") {
    if (!URL.canParse(location, url.href))
      throw new InputUnavailable("is redirected to what is no URL");
    return new URL(location, url);
  }
  const isPassing = statusCode >= 500 || statusCode === 429 || statusCode === 408;
  throw new InputUnavailable(`is answered with status ${statusCode}`, isPassing);
}

async function checked(
  hostname: string,
  resolve: (hostname: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const addresses = await resolve(hostname).catch((error: unknown) => {
    throw new InputUnavailable(`is on the host ${hostname}, which has no address`, true, {
      cause: error,
    });
  });
  if (addresses.length === 0)
    throw new InputUnavailable(`is on the host ${hostname}, which has no address`, true);
  if (!addresses.every(isPublicAddress))
    throw new InputUnavailable(
      `is on the host ${hostname}, which has an address that is not public`,
    );
  return addresses;
}

async function addressesOf(hostname: string): Promise<readonly string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}

/** Instead of the resolver: the addresses that were checked, whatever the name says by now. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all: wantsAll }, found) => {
    if (wantsAll) found(null, all);
    else found(null, all[0]!.address, all[0]!.family);
  };
}
