import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TinyFiles } from "./tinyModel";

export const REPOSITORY = "somebody/tiny";
export const REVISION = "v1";
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const TOKEN = "hf_of_a_friend";
/** Of an account that has not accepted the licence. */
export const STRANGER = "hf_of_a_stranger";

export interface HubBehaviour {
  /** Absent: everybody gets the files. */
  readonly gated?: boolean;
  readonly cardData?: object;
  /** The connection breaks after so many bytes of a file, this often. */
  breaks?: { readonly path: string; readonly afterBytes: number; times: number };
  /** Answers 503 this often. */
  busy?: number;
  /** What a file is whose hash is told as that of another. */
  readonly forged?: TinyFiles;
}

export interface Hub {
  readonly url: string;
  /** Paths of the files that were asked for, in the repository; as often as they were. */
  readonly asked: string[];
  readonly authorizations: Set<string>;
  stop(): Promise<void>;
}

/**
 * A hub on loopback: the part of its HTTP API that its JavaScript client asks for. Source: the hub's
 * OpenAPI document, `/api/models/{namespace}/{repo}/revision/{rev}`, `…/tree/{rev}/{path}` and
 * `/{namespace}/{repo}/resolve/{rev}/{path}`.
 */
export async function startHub(files: TinyFiles, behaviour: HubBehaviour = {}): Promise<Hub> {
  const asked: string[] = [];
  const authorizations = new Set<string>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://hub");
    authorizations.add(request.headers.authorization ?? "");
    if (behaviour.busy !== undefined && behaviour.busy > 0) {
      behaviour.busy -= 1;
      response.writeHead(503).end();
      return;
    }
    const tree = `/api/models/${REPOSITORY}/tree/${COMMIT}`;
    const resolve = `/${REPOSITORY}/resolve/${COMMIT}/`;
    if (pathname.startsWith(`/api/models/${REPOSITORY}/revision/`))
      describe(decodeURIComponent(pathname.split("/").at(-1)!), response);
    else if (pathname === tree) list(request, response);
    else if (pathname.startsWith(resolve)) {
      const path = decodeURIComponent(pathname.slice(resolve.length));
      asked.push(path);
      give(path, request, response);
    } else refuse(response, 401, "RepoNotFound");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function describe(revision: string, response: ServerResponse): void {
    if (!["HEAD", "main", REVISION, COMMIT].includes(revision)) {
      refuse(response, 404, "RevisionNotFound");
      return;
    }
    const { gated = false, cardData = { license: "openrail++" } } = behaviour;
    send(response, {
      _id: "1",
      id: REPOSITORY,
      sha: COMMIT,
      gated: gated && "auto",
      cardData,
      lastModified: "2026-08-01T12:00:00.000Z",
    });
  }

  /** Two pages, to be followed. */
  function list(request: IncomingMessage, response: ServerResponse): void {
    const entries = Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content);
      const size = bytes.length;
      const oid = createHash("sha1").update(bytes).digest("hex");
      const isLarge = /\.(safetensors|bin|ckpt|neuron)$/.test(path);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return {
        type: "file",
        path,
        size,
        oid,
        ...(isLarge && { lfs: { oid: sha256, size, pointerSize: 130 } }),
      };
    });
    const isSecond = request.url?.includes("cursor=") ?? false;
    const next = `<${url}${request.url}&cursor=2>; rel="next"`;
    send(
      response,
      isSecond ? entries.slice(5) : [{ type: "directory", path: "unet" }, ...entries.slice(0, 5)],
      isSecond ? {} : { link: next },
    );
  }

  function give(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (behaviour.gated && request.headers.authorization !== `Bearer ${TOKEN}`) {
      refuse(response, request.headers.authorization ? 403 : 401, "GatedRepo");
      return;
    }
    const content = behaviour.forged?.[path] ?? files[path];
    if (content === undefined) {
      refuse(response, 404, "EntryNotFound");
      return;
    }
    const bytes = Buffer.from(content);
    const [, from = "0", to = String(bytes.length - 1)] =
      /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const part = bytes.subarray(Number(from), Number(to) + 1);
    response.writeHead(request.headers.range ? 206 : 200, {
      "content-length": part.length,
      "content-range": `bytes ${from}-${to}/${bytes.length}`,
    });
    const { breaks } = behaviour;
    if (breaks?.path === path && breaks.times > 0 && part.length > breaks.afterBytes) {
      breaks.times -= 1;
      response.write(part.subarray(0, breaks.afterBytes), () => response.destroy());
    } else response.end(part);
  }

  return {
    url,
    asked,
    authorizations,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, value: unknown, headers: Record<string, string> = {}) {
  response.writeHead(200, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/json", "x-error-code": code });
  response.end(JSON.stringify({ error: `refused by the test: ${code}` }));
}
