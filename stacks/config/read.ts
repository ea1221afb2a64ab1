import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./errors";
import { parseConfig } from "./parse";
import type { FleetConfig } from "./schema";

/** What the program knows before it builds anything. */
export interface StackConfig {
  readonly region: string;
  readonly config: FleetConfig;
}

/**
 * Reads the whole config of the running stack.
 *
 * @throws ConfigError naming every problem at once
 */
export function readConfig(): StackConfig {
  const region = new pulumi.Config("aws").get("region");
  if (region === undefined || !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
    throw new ConfigError([
      { key: "aws:region", value: region, allowed: "an AWS region, e.g. us-west-2" },
    ]);
  return { region, config: parseConfig(rawConfig(pulumi.getProject()), region) };
}

/** The values of a project's keys, decoded: Pulumi hands objects over as JSON. */
function rawConfig(project: string): Record<string, unknown> {
  const prefix = `${project}:`;
  const raw: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(pulumi.runtime.allConfig()))
    if (key.startsWith(prefix)) raw[key.slice(prefix.length)] = decode(text);
  return raw;
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
