import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";

/** Rules about where images come from. */
export function imageProblems({ images, units, async: path }: FleetConfig): Problem[] {
  const problems: Problem[] = [];
  const { source } = images.server;
  if (source !== "external" && images.server.repository !== undefined)
    problems.push({
      key: "images.server.repository",
      value: images.server.repository,
      allowed: `nothing with \`source: ${source}\`, which pushes to the program's own repositories`,
      reads: ["images.server.source"],
    });
  if (images.server.repository !== undefined && isWithTag(images.server.repository))
    problems.push({
      key: "images.server.repository",
      value: images.server.repository,
      allowed: "a repository without tag or digest; those have keys of their own",
    });
  if (images.cache === "snapshot" && source !== "external")
    problems.push({
      key: "images.cache",
      value: images.cache,
      allowed: `soci or none with \`source: ${source}\`: a snapshot wants fixed tags or digests`,
      reads: ["images.server.source"],
    });
  if (images.snapshot.id !== undefined && images.cache !== "snapshot")
    problems.push({
      key: "images.snapshot.id",
      value: images.snapshot.id,
      allowed: "nothing unless `cache` is snapshot",
      reads: ["images.cache"],
    });
  const onNodes = [...Object.values(units), ...(path.enabled ? Object.values(path.runtimes) : [])];
  if (images.cache === "snapshot" && onNodes.every(({ nodeImage }) => nodeImage !== "bottlerocket"))
    problems.push({
      key: "images.cache",
      value: images.cache,
      allowed: "none: no unit runs on Bottlerocket",
      reads: ["units", "async"],
    });
  return problems;
}

/**
 * Where the image of an app of ours comes from.
 *
 * @param key where its config stands, e.g. `failover.controller`
 * @param ownTag the tag that stands there when the config names none
 */
export function appImageProblems(
  key: string,
  { source, repository, tag, digest }: FleetConfig["failover"]["controller"],
  ownTag: string,
): Problem[] {
  const problems: Problem[] = [];
  const local = "nothing with `source: local`, which builds the image and pushes it";
  const reads = [`${key}.source`];
  if (source === "local" && repository !== undefined)
    problems.push({
      key: `${key}.repository`,
      value: repository,
      allowed: `${local} to the program's own repository`,
      reads,
    });
  if (source === "local" && tag !== ownTag)
    problems.push({
      key: `${key}.tag`,
      value: tag,
      allowed: `${local} by the digest that it gets`,
      reads,
    });
  if (source === "local" && digest !== undefined)
    problems.push({
      key: `${key}.digest`,
      value: digest,
      allowed: `${local} by the digest that it gets`,
      reads,
    });
  if (repository !== undefined && isWithTag(repository))
    problems.push({
      key: `${key}.repository`,
      value: repository,
      allowed: "a repository without tag or digest; those have keys of their own",
    });
  return problems;
}

/** Whether an image's address goes on after the repository. */
export function isWithTag(repository: string): boolean {
  return repository.includes("@") || /:[^/]*$/.test(repository);
}
