import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a resource's output is, as far as a stand-in for its value depends on it. */
export type OutputKind =
  | { readonly is: "string" }
  /** Another resource; `type` as in a URN. */
  | { readonly is: "resource"; readonly type: string }
  /** Anything else: no stand-in that a program could compute with. */
  | { readonly is: "other" };

const STRING: OutputKind = { is: "string" };
const OTHER: OutputKind = { is: "other" };
const NO_KINDS: ReadonlyMap<string, OutputKind> = new Map();

const OUTPUT = /^ {4}readonly (\w+): pulumi\.Output<(.*)$/gm;
const STRINGS = /^(?:string|pulumiAws\.ARN|aws\.ARN|ARN)(?: \| undefined)?>;$/;
const RESOURCE = /^pulumiAws\.(\w+)\.(\w+)(?: \| undefined)?>;$/;

const known = new Map<string, ReadonlyMap<string, OutputKind>>();

/**
 * The kinds of a resource type's outputs, read from its own SDK's type declarations. A type that
 * has none (a Kubernetes custom resource, a provider) has no outputs beyond its inputs.
 *
 * @param type as in a URN, e.g. `aws:s3/bucket:Bucket`
 */
export function outputKinds(type: string): ReadonlyMap<string, OutputKind> {
  let kinds = known.get(type);
  if (kinds === undefined) {
    const source = declarationOf(type);
    kinds = source === undefined ? NO_KINDS : scan(source, type);
    known.set(type, kinds);
  }
  return kinds;
}

function scan(source: string, type: string): ReadonlyMap<string, OutputKind> {
  const kinds = new Map<string, OutputKind>();
  const className = type.slice(type.lastIndexOf(":") + 1);
  const start = source.indexOf(`export declare class ${className} `);
  const end = source.indexOf("\n}", start);
  for (const [, property, declared] of source.slice(start, end).matchAll(OUTPUT))
    kinds.set(property as string, kindOf(declared as string));
  return kinds;
}

function kindOf(declared: string): OutputKind {
  if (STRINGS.test(declared)) return STRING;
  const [, module, name] = RESOURCE.exec(declared) ?? [];
  if (module === undefined || name === undefined) return OTHER;
  return {
    is: "resource",
    type: `aws:${module}/${name[0]?.toLowerCase()}${name.slice(1)}:${name}`,
  };
}

/** `aws:s3/bucket:Bucket` is declared in @pulumi/aws/s3/bucket.d.ts, `eks:index:Cluster` in cluster.d.ts. */
function declarationOf(type: string): string | undefined {
  const [pkg, module, name] = type.split(":") as [string, string, string];
  const root = packageRoot(pkg);
  if (root === undefined) return undefined;
  const path = module.replace(/^index(\/|$)/, "").replace("helm.sh/", "helm/");
  const file = `${name}.d.ts`.toLowerCase();
  for (const folder of [join(root, path), join(root, dirname(path))]) {
    const match = listing(folder).find((entry) => entry.toLowerCase() === file);
    if (match !== undefined) return readFileSync(join(folder, match), "utf8");
  }
  return undefined;
}

function packageRoot(pkg: string): string | undefined {
  try {
    return dirname(require.resolve(`@pulumi/${pkg}/package.json`));
  } catch {
    return undefined;
  }
}

const listings = new Map<string, readonly string[]>();

function listing(folder: string): readonly string[] {
  let entries = listings.get(folder);
  if (entries === undefined) {
    try {
      entries = readdirSync(folder);
    } catch {
      entries = [];
    }
    listings.set(folder, entries);
  }
  return entries;
}
