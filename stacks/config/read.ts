import * as awsSdk from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError, type Problem } from "./errors";
import { nearest } from "./nearest";
import { parseConfig } from "./parse";
import type { FleetConfig } from "./schema";

/** What the program knows before it builds anything. */
export interface StackConfig {
  readonly aws: AwsConfig;
  readonly config: FleetConfig;
  /** Keys with something encrypted in them, e.g. `units`: Pulumi knows it by whole key only. */
  readonly secretKeys: ReadonlySet<string>;
}

/** The keys under `aws:` that the program's provider takes over. */
export interface AwsConfig {
  readonly region: string;
  /** Profile of the shared credentials file; absent: whatever the environment says. */
  readonly profile?: string;
  /** Accounts that may be deployed to: a guard against the wrong credentials. */
  readonly allowedAccountIds?: readonly string[];
}

/**
 * Reads the whole config of the running stack.
 *
 * @throws ConfigError naming every problem at once
 */
export function readConfig(): StackConfig {
  const all = pulumi.runtime.allConfig();
  const { aws, problems } = readAws(valuesOf(all, "aws"));
  try {
    const config = parseConfig(valuesOf(all, pulumi.getProject()), aws.region);
    if (problems.length > 0) throw new ConfigError(problems);
    return { aws, config, secretKeys: secretKeysOf(all, pulumi.getProject()) };
  } catch (error) {
    if (!(error instanceof ConfigError) || problems.length === 0) throw error;
    throw new ConfigError([...new Set([...problems, ...error.problems])]);
  }
}

const awsKeys = ["region", "profile", "allowedAccountIds"];

function readAws(raw: Readonly<Record<string, unknown>>): {
  readonly aws: AwsConfig;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const add = (key: string, value: unknown, allowed: string, near?: string) =>
    problems.push({ key: `aws:${key}`, value, allowed, ...(near ? { nearest: near } : {}) });
  const { region, profile, allowedAccountIds } = raw;
  const regions: readonly string[] = Object.values(awsSdk.Region);
  const isRegion = typeof region === "string" && regions.includes(region);
  if (!isRegion)
    add("region", region, "an AWS region, e.g. us-west-2", nearest(String(region), regions));
  if (profile !== undefined && typeof profile !== "string") add("profile", profile, "a text");
  const accounts = Array.isArray(allowedAccountIds) ? allowedAccountIds.map(String) : [];
  if (
    allowedAccountIds !== undefined &&
    (accounts.length === 0 || !accounts.every((id) => /^\d{12}$/.test(id)))
  )
    add("allowedAccountIds", allowedAccountIds, "a list of account ids of twelve digits");
  // The program makes a provider of its own, which would silently pass over any other key.
  for (const [key, value] of Object.entries(raw))
    if (!awsKeys.includes(key))
      add(key, value, `the keys ${awsKeys.join(", ")}`, nearest(key, awsKeys));
  return {
    problems,
    aws: {
      region: isRegion ? region : "us-west-2",
      ...(typeof profile === "string" ? { profile } : {}),
      ...(accounts.length > 0 ? { allowedAccountIds: accounts } : {}),
    },
  };
}

/** Pulumi's types leave this function of its runtime out. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

function secretKeysOf(all: Readonly<Record<string, string>>, project: string): ReadonlySet<string> {
  const keys = Object.keys(all).filter((key) => key.startsWith(`${project}:`));
  return new Set(keys.filter(isConfigSecret).map((key) => key.slice(project.length + 1)));
}

/** The values of a namespace's keys, decoded: Pulumi hands objects over as JSON. */
function valuesOf(
  all: Readonly<Record<string, string>>,
  namespace: string,
): Record<string, unknown> {
  const prefix = `${namespace}:`;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => [key.slice(prefix.length), decode(text)]),
  );
}

function decode(text: string): unknown {
  if (text === "true") return true;
  if (text === "false") return false;
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
