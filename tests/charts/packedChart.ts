import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Pinned } from "../../charts/pinned";

/**
 * The charts themselves, packed: from the folder that DIFFUSION_FLEET_CHARTS names, as
 * NAME-VERSION.tgz, or else pulled from the pinned repository and kept in the cache.
 */

const cache = resolve(__dirname, "../../node_modules/.cache/diffusion-fleet/charts");
const TIMEOUT_MS = 20_000;

/** A packed chart's file, or why there is none. */
export type PackedChart =
  | { readonly file: string }
  | { readonly file: undefined; readonly reason: string };

/** @param chart its name, its pinned version, and its repository */
export function packedChart({ name, version, repository }: Pinned): PackedChart {
  if (helm(["version"]).status !== 0) return missing("helm is not installed");
  const packed = `${name}-${version}.tgz`;
  const given = process.env.DIFFUSION_FLEET_CHARTS;
  if (given !== undefined) {
    const file = resolve(given, packed);
    return existsSync(file) ? { file } : missing(`there is no ${file}`);
  }
  const file = join(cache, packed);
  if (existsSync(file)) return { file };
  mkdirSync(cache, { recursive: true });
  const reference = repository.startsWith("oci://")
    ? [`${repository}/${name}`]
    : [name, "--repo", repository];
  helm(["pull", ...reference, "--version", version, "-d", cache]);
  return existsSync(file) ? { file } : missing(`it cannot be pulled from ${repository}`);
}

/** Runs helm. */
export function helm(args: readonly string[], input?: string) {
  return spawnSync("helm", args, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  });
}

function missing(reason: string): PackedChart {
  return { file: undefined, reason };
}
