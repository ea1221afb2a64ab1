import { resolve } from "node:path";
import { init, type ModuleInfos } from "license-checker-rseidelsohn";

/**
 * Which licences the installed npm packages may have. `npm run licences` lists what they have.
 */

/** Licences that ask for no more than that their notice is kept, by their SPDX names. */
export const allowedLicences: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "PSF-2.0",
  "Python-2.0",
  "Unlicense",
  "Zlib",
]);

/** A package that is let through by name. */
export interface LicenceException {
  /** What its package.json says, so that a change of it is noticed. */
  readonly licences: string;
  readonly reason: string;
}

export const licenceExceptions: Readonly<Record<string, LicenceException>> = {
  "@logdna/tail-file": {
    licences: "Custom: LICENSE",
    reason: "Its package.json points to the file LICENSE, which is the MIT licence.",
  },
  "pause-stream": {
    licences: "MIT,Apache2",
    reason: "Either of the two; its package.json is older than SPDX expressions.",
  },
  "spdx-exceptions": {
    licences: "CC-BY-3.0",
    reason: "A list of names from the SPDX standard, as data; it carries its own attribution.",
  },
  "spdx-ranges": {
    licences: "(MIT AND CC-BY-3.0)",
    reason: "Code under MIT, and a list of names from the SPDX standard, as data.",
  },
};

export interface PackageLicence {
  readonly name: string;
  readonly version: string;
  readonly licences: string;
}

/** The packages installed under a folder, at any depth, without the folder's own. */
export async function installedLicences(folder: string): Promise<PackageLicence[]> {
  const found = await new Promise<ModuleInfos>((done, fail) =>
    init({ start: folder, excludePrivatePackages: true }, (error, packages) =>
      error ? fail(error) : done(packages),
    ),
  );
  return Object.entries(found).map(([key, { licenses }]) => {
    const separator = key.lastIndexOf("@");
    return {
      name: key.slice(0, separator),
      version: key.slice(separator + 1),
      licences: String(licenses),
    };
  });
}

/** What is wrong with packages' licences, and with exceptions that nothing needs. */
export function licenceProblems(
  packages: readonly PackageLicence[],
  exceptions: Readonly<Record<string, LicenceException>>,
): string[] {
  const refused = packages.filter(({ licences }) => !isAllowed(licences));
  const needless = Object.keys(exceptions).filter(
    (name) => !refused.some((refusal) => refusal.name === name),
  );
  return [
    ...refused
      .filter(({ name, licences }) => exceptions[name]?.licences !== licences)
      .map(({ name, version, licences }) => `${name} ${version} has the licence ${licences}`),
    ...needless.map((name) => `${name} needs no exception`),
  ];
}

/** Whether an SPDX expression can be met with allowed licences; of `OR`, one is enough. */
export function isAllowed(expression: string): boolean {
  const bare = expression.replace(/^\((.*)\)$/, "$1");
  // Nested expressions are left to a person.
  if (/[()]/.test(bare)) return false;
  return bare
    .split(" OR ")
    .some((side) => side.split(" AND ").every((licence) => allowedLicences.has(licence)));
}

async function main(): Promise<number> {
  const packages = await installedLicences(resolve(__dirname, "../.."));
  const counts = new Map<string, number>();
  for (const { licences } of packages) counts.set(licences, (counts.get(licences) ?? 0) + 1);
  for (const [licences, count] of [...counts].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(4)}  ${licences}`);
  for (const [name, { reason }] of Object.entries(licenceExceptions))
    console.log(`\n${name}: ${reason}`);
  const problems = licenceProblems(packages, licenceExceptions);
  for (const problem of problems) console.error(problem);
  return problems.length === 0 ? 0 : 1;
}

if (require.main === module)
  void main().then((status) => {
    process.exitCode = status;
  });
