import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../..");

interface Component {
  readonly "bom-ref": string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

interface Sbom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Locked {
  /** Only where the folder is called otherwise. */
  readonly name?: string;
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly peer?: boolean;
}

/** Some packages write their version with a v. */
const unprefixed = (reference: string) => reference.replace(/@v(\d[^@]*)$/, "@$1");

const readJson = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"));

describe("The software bill of materials", () => {
  let sbom: Sbom;
  before(() => {
    // As package.json's script, which prints it and nothing else.
    const { status, stdout, stderr } = spawnSync(
      "npm",
      ["sbom", "--sbom-format", "cyclonedx", "--loglevel", "error"],
      { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    assert.equal(status, 0, stderr);
    sbom = JSON.parse(stdout) as Sbom;
  });

  it("is a CycloneDX document of this package", () => {
    assert.equal(sbom.bomFormat, "CycloneDX");
    const { name, version } = readJson("package.json");
    assert.equal(sbom.metadata.component["bom-ref"], `${name}@${version}`);
  });

  it("has every locked package that any machine installs, with its checksum", () => {
    const packages = readJson("package-lock.json").packages as Record<string, Locked>;
    const listed = new Map(sbom.components.map((each) => [unprefixed(each["bom-ref"]), each]));
    const wanted = Object.entries(packages).filter(
      ([path, { optional, peer }]) => path !== "" && !optional && !peer,
    );
    assert.ok(wanted.length > 300);
    for (const [
      path,
      { name = path.split("node_modules/").at(-1)!, version, integrity },
    ] of wanted) {
      const component = listed.get(`${name}@${version}`);
      assert.ok(component, `${name}@${version}`);
      assert.match(component.purl, /^pkg:npm\//);
      // npm knows the checksum of a package by the version that the lock file writes.
      if (component["bom-ref"] !== `${name}@${version}`) continue;
      const sha512 = component.hashes?.find(({ alg }) => alg === "SHA-512")?.content ?? "";
      assert.equal(`sha512-${Buffer.from(sha512, "hex").toString("base64")}`, integrity, name);
    }
  });

  it("says what this package depends on directly", () => {
    const { name, version, dependencies, devDependencies } = readJson("package.json");
    const own = sbom.dependencies.find(({ ref }) => ref === `${name}@${version}`);
    const direct = { ...dependencies, ...devDependencies } as Record<string, string>;
    assert.deepEqual(
      [...(own?.dependsOn ?? [])].map(unprefixed).sort(),
      Object.entries(direct)
        .map(([dependency, pinned]) => `${dependency}@${pinned}`)
        .sort(),
    );
  });
});
