import { changesBetween } from "../../cli/plan/difference";
import type { KubernetesClient, KubernetesObject } from "./controlPlane/client";
import { nameOf } from "./plannedObjects";

/** What a server has stored of some objects, by `nameOf`. */
export type Stored = ReadonlyMap<string, KubernetesObject>;

export async function stored(
  client: KubernetesClient,
  objects: readonly KubernetesObject[],
): Promise<Stored> {
  const found = await Promise.all(
    objects.map(async (object) => [nameOf(object), await client.read(object)] as const),
  );
  return new Map(found);
}

/** The server's own account of who wrote what, and how often. */
const BOOKKEEPING = ["managedFields", "resourceVersion", "generation"];

/** An object as its readers see it. */
function content({ metadata, ...rest }: KubernetesObject): unknown {
  const kept = Object.entries(metadata).filter(([field]) => !BOOKKEEPING.includes(field));
  return { ...rest, metadata: Object.fromEntries(kept) };
}

/** Paths in the content that differ, by the name of each object that does. */
export function changed(before: Stored, after: Stored): Readonly<Record<string, string[]>> {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const changes = names.map((name): [string, string[]] => {
    const [was, is] = [before.get(name), after.get(name)];
    const paths = changesBetween(was && content(was), is && content(is)).map(({ path }) => path);
    return [name, paths];
  });
  return Object.fromEntries(changes.filter(([, paths]) => paths.length > 0));
}

/** How often each object has been written, in the server's own count. */
export function revisions(found: Stored): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...found].map(([name, { metadata }]) => [name, metadata.resourceVersion as string]),
  );
}
