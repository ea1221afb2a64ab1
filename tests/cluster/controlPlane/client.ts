import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";

// @kubernetes/client-node will not do here. Its KubernetesObjectApi writes each built-in kind by a
// model of its own, so that a misspelt field of a Deployment would never reach the server, and its
// `patch` cannot ask for strict field validation. What is needed of it is one request.

/** A manifest, or what the server has stored. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    // biome-ignore lint/suspicious/noExplicitAny: tests look into objects by path
    readonly [field: string]: any;
  };
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects by path
  readonly [field: string]: any;
}

/** What the server made of an object. */
export interface Accepted {
  readonly object: KubernetesObject;
  readonly warnings: readonly string[];
}

/** The server refused a request; the message is the server's, which names the field. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly status: number,
    /** E.g. `Invalid`, `Forbidden`, `NotFound`. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** How a server is reached. */
export interface Access {
  /** E.g. `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly token: string;
  /** Certificates that its own must come from, PEM. */
  readonly certificateAuthority: string;
}

export interface ApplyOptions {
  /** Who owns the fields. Default: `pulumi`. */
  readonly fieldManager?: string;
  /** Takes over fields that another manager owns. Default: false. */
  readonly force?: boolean;
  /** Everything but storing it. Default: false. */
  readonly dryRun?: boolean;
}

interface Resource {
  readonly name: string;
  readonly namespaced: boolean;
  readonly kind: string;
}

const JSON_TYPE = "application/json";
/** JSON is YAML. */
const APPLY_TYPE = "application/apply-patch+yaml";

/** A client of an API server, for objects of whatever kind. */
export class KubernetesClient {
  readonly #access: Access;
  readonly #agent: Agent;
  readonly #resources = new Map<string, readonly Resource[]>();

  constructor(access: Access) {
    this.#access = access;
    this.#agent = new Agent({ keepAlive: true, ca: access.certificateAuthority });
  }

  /** Server-side apply with strict field validation. @throws Refusal */
  async apply(object: KubernetesObject, options: ApplyOptions = {}): Promise<Accepted> {
    const { fieldManager = "pulumi", force = false, dryRun = false } = options;
    const path = await this.pathOf(object);
    const query = { fieldManager, force: String(force), ...strict(dryRun) };
    return this.#send("PATCH", path, query, { type: APPLY_TYPE, body: object });
  }

  /** Creates an object. @throws Refusal */
  async create(object: KubernetesObject, { dryRun = false } = {}): Promise<Accepted> {
    const path = await this.pathOf(object);
    const collection = path.slice(0, path.lastIndexOf("/"));
    return this.#send("POST", collection, strict(dryRun), { type: JSON_TYPE, body: object });
  }

  /** What is stored of an object. @throws Refusal when there is none */
  async read(object: KubernetesObject): Promise<KubernetesObject> {
    return (await this.#send("GET", await this.pathOf(object))).object;
  }

  /** Whatever is at a path, e.g. `/version`. @throws Refusal */
  async get<T>(path: string): Promise<T> {
    return (await this.#send("GET", path)).object as T;
  }

  /** Where an object is, or would be, e.g. `/apis/apps/v1/namespaces/a/deployments/b`. */
  async pathOf({ apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
    const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { name, namespaced } = await this.#resourceOf(group, kind);
    const scope = namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${group}${scope}/${name}/${encodeURIComponent(metadata.name)}`;
  }

  async #resourceOf(group: string, kind: string): Promise<Resource> {
    const find = () => this.#resources.get(group)?.find((resource) => resource.kind === kind);
    if (find() === undefined) {
      const { resources } = await this.get<{ resources: Resource[] }>(group);
      // Subresources such as deployments/scale have kinds of their own.
      this.#resources.set(
        group,
        resources.filter(({ name }) => !name.includes("/")),
      );
    }
    const found = find();
    if (found === undefined) throw new Refusal(404, "NotFound", `${group} has no kind ${kind}`);
    return found;
  }

  async #send(
    method: string,
    path: string,
    query: Readonly<Record<string, string>> = {},
    sent?: { readonly type: string; readonly body: unknown },
  ): Promise<Accepted> {
    const url = new URL(path, this.#access.server);
    url.search = new URLSearchParams(query).toString();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        Accept: JSON_TYPE,
        Authorization: `Bearer ${this.#access.token}`,
        ...(sent === undefined ? {} : { "Content-Type": sent.type }),
      };
      request(url, { method, headers, agent: this.#agent }, resolve)
        .on("error", reject)
        .end(sent === undefined ? undefined : JSON.stringify(sent.body));
    });
    const text = await textOf(response);
    const status = response.statusCode as number;
    if (status >= 300) throw refusal(status, text);
    const isJson = response.headers["content-type"]?.startsWith(JSON_TYPE);
    return { object: isJson ? JSON.parse(text) : text, warnings: warningsOf(response) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

function strict(dryRun: boolean): Readonly<Record<string, string>> {
  return { fieldValidation: "Strict", ...(dryRun ? { dryRun: "All" } : {}) };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function refusal(status: number, text: string): Refusal {
  try {
    const { reason, message } = JSON.parse(text) as { reason: string; message: string };
    return new Refusal(status, reason, message);
  } catch {
    return new Refusal(status, "", text);
  }
}

/** The texts of `Warning: 299 - "text"`, as kubectl would print them. */
function warningsOf({ headersDistinct }: IncomingMessage): string[] {
  return (headersDistinct.warning ?? []).map((header) =>
    header.replace(/^299 \S+ "(.*)"$/s, "$1").replaceAll('\\"', '"'),
  );
}
