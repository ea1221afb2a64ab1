import { downloadFile, HUB_URL, listFiles, modelInfo } from "@huggingface/hub";
import { UserError } from "../../contracts/userError";
import { hubFetch } from "./hubFetch";
import type { HubToken } from "./hubToken";
import { LICENCE_FILE, licenceOfMetadata, noLicence } from "./licence";
import type { ModelSource, SourceFile } from "./modelSource";

export interface HubModel {
  /** `OWNER/NAME`. */
  readonly name: string;
  /** Branch, tag or commit; absent: `main`. */
  readonly revision?: string;
}

/** Files as small as these are looked at before they are sent on, and asked for once. */
const KEPT_BYTES = 4 * 1024 ** 2;

/** Connections that break one after the other without a byte between them. */
const BREAKS = 3;

/** `OWNER/NAME@REVISION`; nothing for any other text. */
export function parseHubModel(text: string): HubModel | undefined {
  const [, name, revision] = /^([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return { name, ...(revision === undefined ? {} : { revision }) };
}

/**
 * A model of the hub, at the commit that its revision means now.
 *
 * @param hubUrl the hub's address; default: as its other clients have it, HF_ENDPOINT
 * @throws UserError when there is none, or it is not given to this token
 */
export async function hubSource(
  { name, revision }: HubModel,
  token: HubToken | undefined,
  hubUrl = process.env.HF_ENDPOINT || HUB_URL,
): Promise<ModelSource> {
  const access = {
    hubUrl,
    fetch: hubFetch({ hubUrl, name, revision, tokenFrom: token?.from }),
    ...(token === undefined ? {} : { accessToken: token.value }),
  };
  const info = await modelInfo({
    ...access,
    name,
    ...(revision === undefined ? {} : { revision }),
    additionalFields: ["sha", "cardData"],
  });
  const { sha } = info;
  const files: SourceFile[] = [];
  const oids = new Map<string, string>();
  for await (const { type, path, size, oid, lfs } of listFiles({
    ...access,
    repo: name,
    revision: sha,
    recursive: true,
  })) {
    if (type !== "file") continue;
    // Of what is no large file, the hub has git's own hash only.
    files.push({ path, bytes: lfs?.size ?? size, ...(lfs ? { sha256: lfs.oid } : {}) });
    oids.set(path, lfs?.oid ?? oid ?? "");
  }
  const page = `${hubUrl}/${name}`;
  const text = files.find(({ path }) => LICENCE_FILE.test(path))?.path;
  const linkOf = (target: string | undefined) => {
    const file = files.find(({ path }) => path === target)?.path ?? text;
    return file === undefined ? page : `${page}/blob/${sha}/${file}`;
  };
  const blobOf = async ({ path, bytes }: SourceFile) => {
    const url = `${page}/resolve/${sha}/${path.split("/").map(encodeURIComponent).join("/")}`;
    const downloadInfo = { url, size: bytes, etag: oids.get(path) ?? "" };
    const blob = await downloadFile({ ...access, repo: name, path, revision: sha, downloadInfo });
    if (blob === null) throw new UserError(`${url} is not there any more`);
    return blob;
  };
  const kept = new Map<string, Promise<Uint8Array>>();
  return {
    from: name,
    revision: sha,
    licence: licenceOfMetadata(info.cardData, linkOf) ?? noLicence(page),
    files,
    async *read(path, from = 0, to) {
      const file = files.find((each) => each.path === path)!;
      const end = to ?? file.bytes;
      if (file.sha256 !== undefined || file.bytes > KEPT_BYTES) {
        yield* bytesFrom(await blobOf(file), from, end, `${name}/${path}`);
        return;
      }
      const content =
        kept.get(path) ??
        blobOf(file).then(async (blob) => new Uint8Array(await blob.arrayBuffer()));
      kept.set(path, content);
      yield (await content).subarray(from, end);
    },
  };
}

/** A blob's bytes; a connection that breaks is taken up again where it broke. */
async function* bytesFrom(
  blob: Blob,
  from: number,
  to: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  let at = from;
  let breaks = 0;
  while (at < to) {
    const begin = at;
    try {
      for await (const chunk of blob.slice(at, to).stream()) {
        at += (chunk as Uint8Array).length;
        yield chunk as Uint8Array;
      }
      if (at < to) throw new Error(`it ends after ${at} of ${to} bytes`);
    } catch (error) {
      if (error instanceof UserError) throw error;
      breaks = at > begin ? 1 : breaks + 1;
      // The client's streams break with a text.
      const why = error instanceof Error ? error.message : String(error);
      if (breaks > BREAKS) throw new UserError(`${what} cannot be read from the hub: ${why}`);
    }
  }
}
