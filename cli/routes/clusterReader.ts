import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../contracts/userError";

const TIMEOUT_MS = 10_000;
const PAGE_SIZE = 250;

/** Who may look: the page that lists the rights. */
const RIGHTS = "docs/operations/fail-over.md#who-may-look";

/** What was read, and the server's clock when it answered, milliseconds since 1970. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly at: number;
}

/** The cluster gave no answer, which may be different in a moment. */
export class Unreachable extends UserError {}

/**
 * Reads objects of a cluster as they are. It only gets and lists; the library's own clients would
 * drop fields that they do not know.
 *
 * All methods throw UserError, which names the context and the server, when the cluster cannot be
 * reached (`Unreachable`) or refuses.
 */
export class ClusterReader {
  readonly context: string;
  readonly server: string;
  /** The server's clock at its latest answer: ages are of its time, not of this machine's. */
  at = Date.now();
  readonly #config: KubeConfig;
  readonly #secure = new Agent({ keepAlive: true });
  readonly #plain = new HttpAgent({ keepAlive: true });
  #access: Promise<RequestOptions> | undefined;

  constructor(config: KubeConfig) {
    this.#config = config;
    this.context = config.getCurrentContext();
    this.server = (config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
  }

  /** Begins a round of reads, which share one look at the credentials. */
  renew(): void {
    this.#access = undefined;
  }

  /** An object; undefined when there is none. */
  async get(path: string): Promise<unknown> {
    const { status, body } = await this.#ask(path, {});
    if (status === 404) return undefined;
    this.#check(status, body, path);
    return this.#parse(body, path);
  }

  /** A whole collection. */
  async list(path: string, query: Readonly<Record<string, string>>): Promise<unknown[]> {
    const items: unknown[] = [];
    let next = "";
    do {
      const page = { ...query, limit: String(PAGE_SIZE), ...(next ? { continue: next } : {}) };
      const { status, body } = await this.#ask(path, page);
      this.#check(status, body, path);
      const list = this.#parse(body, path) as {
        readonly items?: unknown;
        readonly metadata?: { readonly continue?: string };
      };
      if (Array.isArray(list.items)) items.push(...list.items);
      next = list.metadata?.continue ?? "";
    } while (next !== "");
    return items;
  }

  /** Closes connections, so that nothing keeps the process. */
  close(): void {
    this.#secure.destroy();
    this.#plain.destroy();
  }

  async #ask(path: string, query: Readonly<Record<string, string>>): Promise<Answer> {
    this.#access ??= this.#credentials();
    const access = await this.#access;
    const url = this.#urlOf(path, query);
    try {
      const answer = await exchange(url, { ...access, signal: AbortSignal.timeout(TIMEOUT_MS) });
      this.at = answer.at;
      return answer;
    } catch (error) {
      if (isDistrusted(error))
        throw new UserError(
          `${this.#where()} shows a certificate that is not the one the kubeconfig expects: ` +
            `${reasonOf(error)}. The address leads to another server (a proxy?), or the cluster was ` +
            "made anew: aws eks update-kubeconfig --region REGION --name CLUSTER writes its entry " +
            `again. ${this.#otherwise()}`.trim(),
        );
      throw new Unreachable(
        `${this.#where()} cannot be reached: ${reasonOf(error)}. Is the address right, and its ` +
          `network within reach (a private endpoint wants the VPC or a VPN)? ${this.#otherwise()}`,
      );
    }
  }

  async #credentials(): Promise<RequestOptions> {
    const options: RequestOptions = { method: "GET" };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new Unreachable(
        `${this.#where()} cannot be asked, for want of credentials: ${reasonOf(error)}. Log in ` +
          `again, and try \`kubectl --context ${this.context} version\`.`,
      );
    }
    const headers = options.headers as Record<string, string> | undefined;
    options.headers = { ...headers, Accept: "application/json", "User-Agent": "diffusion-fleet" };
    // The library's agent closes its connections, but knows the way through a proxy.
    if (!this.#config.getCurrentCluster()?.proxyUrl)
      options.agent = this.server.startsWith("http:") ? this.#plain : this.#secure;
    return options;
  }

  #urlOf(path: string, query: Readonly<Record<string, string>>): URL {
    try {
      const url = new URL(`${this.server}${path}`);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      return url;
    } catch {
      throw new UserError(`${this.#where()} has no address that a cluster can have.`);
    }
  }

  #check(status: number, body: string, path: string): void {
    if (status < 300) return;
    const said = saidIn(body) || `HTTP status ${status}`;
    if (status === 401)
      throw new UserError(
        `${this.#where()} does not know who you are (${said}). Log in again: for EKS by ` +
          "`aws sso login` or new keys; `aws eks update-kubeconfig --region REGION --name CLUSTER` makes " +
          "the context anew.",
      );
    if (status === 403)
      throw new UserError(
        `${this.#where()} refuses: ${said}. \`fleet routes\` only gets and lists; ${RIGHTS} has the ` +
          "role to ask the cluster's owner for.",
      );
    if (status === 404)
      throw new UserError(
        `${this.#where()} has no ${path.split("/").at(-1)}: it is not a cluster of this project's, ` +
          `or \`pulumi up\` has not come so far. ${this.#otherwise()}`,
      );
    if (status === 429 || status >= 500)
      throw new Unreachable(`${this.#where()} cannot answer now (${status}): ${said}. Try again.`);
    throw new UserError(`${this.#where()} answers ${status} to ${path}: ${said}`);
  }

  #parse(body: string, path: string): unknown {
    try {
      return JSON.parse(body);
    } catch {
      throw new UserError(
        `${this.#where()} answers ${path} with what is no JSON. Is it a cluster?`,
      );
    }
  }

  #where(): string {
    return `The cluster of context "${this.context}", ${this.server || "(no address)"},`;
  }

  #otherwise(): string {
    const others = this.#config.getContexts().map(({ name }) => name);
    const rest = others.filter((name) => name !== this.context);
    return rest.length === 0 ? "" : `Other contexts are ${rest.join(", ")} (--context).`.trim();
  }
}

function exchange(url: URL, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === "http:" ? httpRequest : httpsRequest;
    const request = start(url, options, (response) => {
      textOf(response).then((body) => {
        const date = Date.parse(response.headers.date ?? "");
        const at = Number.isNaN(date) ? Date.now() : date;
        resolve({ status: response.statusCode!, body, at });
      }, reject);
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      // The server closed an idle connection just when it was taken up again.
      if (request.reusedSocket && error.code === "ECONNRESET") resolve(exchange(url, options));
      else reject(error);
    });
    request.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** The server's sentence in a `Status` object, or the beginning of whatever a proxy sent. */
function saidIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    return typeof message === "string" ? message : "";
  } catch {
    return body.replace(/\s+/g, " ").trim().slice(0, 200);
  }
}

/** Whether there is a server, whose certificate is of another name, another authority, or over. */
function isDistrusted(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return /^ERR_TLS_CERT|CERT|^UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code);
}

function reasonOf(error: unknown): string {
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === "TimeoutError" || name === "AbortError")
    return `no answer within ${TIMEOUT_MS / 1000} s`;
  // A failure of several addresses has no message of its own.
  return (message || code || String(error)).trim().replace(/\.$/, "");
}
