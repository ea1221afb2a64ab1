import { z } from "zod";

/** The scalar types of the config, each with a pattern and a sentence that says what is allowed. */

export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a DNS label: a-z, 0-9 and '-', 63 at most");

/**
 * Names of models and units end up in longer object names, so they are shorter than a label; a
 * Service's has to start with a letter.
 */
export const shortName = z
  .string()
  .regex(
    /^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$/,
    "a letter first, then a-z, 0-9 and '-', 30 characters at most",
  );

/** EKS refuses groups that Kubernetes keeps for itself, like `system:masters`. */
export const kubernetesGroup = z
  .string()
  .regex(
    /^[A-Za-z0-9][-A-Za-z0-9:._@/]{0,127}$/,
    "a group's name: A-Z, a-z, 0-9 and '-:._@/', 128 characters at most",
  )
  .refine(
    (group) => !group.startsWith("system:"),
    "a group of your own: EKS refuses those that begin with system:",
  );

export const cidr = z
  .string()
  .regex(
    /^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)\/([0-9]|[12]\d|3[0-2])$/,
    "an IPv4 CIDR block, e.g. 10.0.0.0/16",
  )
  .refine(hasNoHostBits, "a CIDR block whose address is its first, e.g. 10.0.0.0/16");

function hasNoHostBits(block: string): boolean {
  const [address = "", length = "0"] = block.split("/");
  const bits = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return bits % 2 ** (32 - Number(length)) === 0;
}

export const arn = z
  .string()
  .regex(/^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:.+$/, "an ARN, arn:aws:…");

/** A Kubernetes duration as Karpenter takes it: hours, minutes and seconds. */
export const duration = z
  .string()
  .regex(/^(\d+(s|m|h))+$/, "a duration in h, m and s, e.g. 90s, 10m, 720h");

export const durationOrNever = z
  .string()
  .regex(/^(Never|(\d+(s|m|h))+)$/, "a duration in h, m and s, e.g. 720h, or Never");

/** Seconds of a duration. */
export function secondsOf(text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
  const parts = [...text.matchAll(/(\d+)([smh])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0);
}

/** `Nodes` budgets of a NodePool: a count or a share. */
export const nodeCount = z
  .string()
  .regex(/^(\d{1,2}%|100%|\d+)$/, "a number of nodes or a percentage, e.g. 1 or 20%");

export const eksAddonVersion = z
  .string()
  .regex(/^v\d+\.\d+\.\d+-eksbuild\.\d+$/, "a pinned add-on version, e.g. v1.21.1-eksbuild.3");

/** Days that CloudWatch Logs accepts as a retention (PutRetentionPolicy, API reference). */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
] as const;
export const retentionDays = z.union(
  RETENTION_DAYS.map((days) => z.literal(days)) as unknown as readonly [
    z.ZodLiteral<number>,
    ...z.ZodLiteral<number>[],
  ],
);

/** Any tag but `latest`, which is whatever somebody pushed last. */
export const imageTag = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, "an image tag")
  .refine((tag) => tag !== "latest", "a fixed tag: 'latest' is whatever somebody pushed last");

export const imageDigest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "a digest, sha256: and 64 hexadecimal digits");

export const hostname = z
  .string()
  .regex(
    /^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "a host name, e.g. images.example.com",
  );

export const pathPrefix = z
  .string()
  .regex(/^\/[-A-Za-z0-9._~/]*$/, "a path that starts with /")
  .refine(
    (path) => !/\/\/|\/\.{1,2}(\/|$)/.test(path),
    "a path without //, /./ and /../, as the Gateway API has it",
  );

export const email = z.string().regex(/^[^@\s]+@[^@\s]+\.[^@\s]+$/, "an e-mail address");

export const positive = z.number().positive();
export const count = z.int().min(0);

export const timeZone = z.string().refine(isTimeZone, "an IANA time zone, e.g. Europe/Berlin");

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    // Intl also takes offsets, and any spelling; KEDA looks for a file of that name.
    return /^(UTC|[A-Z][A-Za-z_]+(\/[A-Z][A-Za-z_+-]*\d*)+)$/.test(name);
  } catch {
    return false;
  }
}
