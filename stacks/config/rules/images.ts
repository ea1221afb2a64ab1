import type { Problem } from "../errors";
import type { FleetConfig } from "../schema";

/** Rules about where images come from. */
export function imageProblems({ images, units }: FleetConfig): Problem[] {
  const problems: Problem[] = [];
  if (images.server.source === "local" && images.server.repository !== undefined)
    problems.push({
      key: "images.server.repository",
      value: images.server.repository,
      allowed: "nothing with `source: local`, which pushes to the program's own repositories",
      reads: ["images.server.source"],
    });
  if (images.server.repository !== undefined && isWithTag(images.server.repository))
    problems.push({
      key: "images.server.repository",
      value: images.server.repository,
      allowed: "a repository without tag or digest; those have keys of their own",
    });
  if (images.cache === "snapshot" && images.server.source === "local")
    problems.push({
      key: "images.cache",
      value: images.cache,
      allowed: "soci or none with `source: local`: a snapshot wants fixed tags or digests",
      reads: ["images.server.source"],
    });
  if (images.snapshot.id !== undefined && images.cache !== "snapshot")
    problems.push({
      key: "images.snapshot.id",
      value: images.snapshot.id,
      allowed: "nothing unless `cache` is snapshot",
      reads: ["images.cache"],
    });
  if (
    images.cache === "snapshot" &&
    Object.values(units).every((u) => u.nodeImage !== "bottlerocket")
  )
    problems.push({
      key: "images.cache",
      value: images.cache,
      allowed: "none: no unit runs on Bottlerocket",
      reads: ["units"],
    });
  return problems;
}

/** Whether an image's address goes on after the repository. */
export function isWithTag(repository: string): boolean {
  return repository.includes("@") || /:[^/]*$/.test(repository);
}
