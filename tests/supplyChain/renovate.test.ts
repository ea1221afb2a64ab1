import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gatewayApiCrds } from "../../charts/gatewayApi";
import { karpenterCrd } from "../../charts/karpenterCrd";
import { pinned } from "../../charts/pinned";
import { nodesSchema } from "../../stacks/config/nodes";

const root = resolve(__dirname, "../..");

interface CustomManager {
  readonly managerFilePatterns: readonly string[];
  readonly matchStrings: readonly string[];
  readonly datasourceTemplate: string;
  readonly depNameTemplate?: string;
  readonly packageNameTemplate?: string;
  readonly autoReplaceStringTemplate?: string;
}

/** A dependency that Renovate would find, and the file as it would be with another version. */
interface Found {
  readonly file: string;
  readonly datasource: string;
  readonly depName: string;
  readonly packageName: string;
  readonly currentValue: string;
  readonly currentDigest: string | undefined;
  readonly registryUrl: string | undefined;
  upgraded(newValue: string): string;
}

const read = (file: string) => readFileSync(join(root, file), "utf8");

const config = JSON.parse(read("renovate.json")) as {
  readonly customManagers: readonly CustomManager[];
  readonly packageRules: readonly {
    readonly matchPackageNames?: readonly string[];
    readonly allowedVersions?: string;
  }[];
};

/** Fills `{{{name}}}`, the one thing that the config's templates use. */
function fill(template: string, values: Readonly<Record<string, string | undefined>>): string {
  return template.replace(/\{\{\{(\w+)\}\}\}/g, (_, name) => values[name] ?? "");
}

/** What the config's regex managers find, as Renovate's documentation of them says. */
function found(): Found[] {
  const files = ["charts", "components", "stacks/config", ".github/workflows"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  );
  return config.customManagers.flatMap((manager) => {
    const patterns = manager.managerFilePatterns.map((text) => new RegExp(text.slice(1, -1)));
    return files
      .filter((file) => patterns.some((pattern) => pattern.test(file)))
      .flatMap((file) => foundIn(file, read(file), manager));
  });
}

function foundIn(file: string, content: string, manager: CustomManager): Found[] {
  const matches = manager.matchStrings.flatMap((text) => [
    ...content.matchAll(new RegExp(text, "g")),
  ]);
  return matches.map((match) => {
    const groups = match.groups as Record<string, string>;
    const depName = fill(manager.depNameTemplate ?? "{{{depName}}}", groups);
    const { autoReplaceStringTemplate } = manager;
    return {
      file,
      datasource: manager.datasourceTemplate,
      depName,
      packageName: fill(manager.packageNameTemplate ?? depName, groups),
      currentValue: groups.currentValue!,
      currentDigest: groups.currentDigest,
      registryUrl: groups.registryUrl,
      upgraded: (newValue) =>
        content.replace(
          match[0],
          autoReplaceStringTemplate === undefined
            ? match[0].replace(groups.currentValue!, newValue)
            : fill(autoReplaceStringTemplate, { ...groups, depName, newValue }),
        ),
    };
  });
}

describe("The config of Renovate", () => {
  const all = found();
  const named = (name: string) => all.filter(({ depName }) => depName === name);

  it("finds each chart once, at its pinned version and repository", () => {
    const charts = pinned.filter(({ repository }) => !repository.endsWith(".yaml"));
    for (const { name, version, repository } of charts.filter(
      (c) => c.name !== karpenterCrd.name,
    )) {
      const [one, ...others] = named(name);
      assert.ok(one !== undefined && others.length === 0, name);
      assert.equal(one.currentValue, version);
      if (repository.startsWith("oci://")) {
        assert.equal(one.datasource, "docker");
        assert.equal(`oci://${one.packageName}`, `${repository}/${name}`);
      } else {
        assert.equal(one.datasource, "helm");
        assert.equal(one.registryUrl, repository);
      }
    }
  });

  it("finds the Gateway API's CRDs, and changes version and address together", () => {
    const [one] = named("kubernetes-sigs/gateway-api");
    assert.equal(one?.currentValue, gatewayApiCrds.version);
    const upgraded = one.upgraded("1.7.0");
    assert.equal(
      upgraded,
      read(one.file)
        .replace(`"${gatewayApiCrds.version}"`, '"1.7.0"')
        .replace(`/v${gatewayApiCrds.version}/`, "/v1.7.0/"),
    );
  });

  it("finds the release of Bottlerocket that config has by default", () => {
    const [one, ...others] = named("bottlerocket-os/bottlerocket");
    assert.equal(others.length, 0);
    assert.equal(one?.currentValue, nodesSchema.parse(undefined).bottlerocketVersion);
    assert.notEqual(one?.upgraded("9.9.9"), read(one!.file));
  });

  it("finds every image that a component names, with its digest", () => {
    const files = readdirSync(join(root, "components")).map((name) => read(`components/${name}`));
    const images = files.flatMap(
      (text) => text.match(/(?<=")[a-z0-9.-]+\.[a-z]+\/[^"\s]+:\d[^"]*/g) ?? [],
    );
    assert.ok(images.length > 0);
    for (const image of images)
      assert.ok(
        all.some(
          ({ depName, currentValue, currentDigest }) =>
            `${depName}:${currentValue}@${currentDigest}` === image,
        ),
        image,
      );
  });

  it("finds Pulumi's command line, which is of the SDK's version", () => {
    const [one] = named("@pulumi/pulumi");
    assert.match(one!.file, /fleet\.yml$/);
    const { dependencies } = JSON.parse(read("package.json"));
    assert.equal(one!.currentValue, dependencies["@pulumi/pulumi"]);
  });

  it("keeps what runs on Node 20 where it is", () => {
    const { dependencies, devDependencies, overrides } = JSON.parse(read("package.json"));
    const overridden = Object.assign({}, ...Object.values<object>(overrides));
    const versions = { ...dependencies, ...devDependencies, ...overridden };
    for (const { matchPackageNames = [], allowedVersions } of config.packageRules) {
      if (allowedVersions === undefined) continue;
      const below = Number(/^<(\d+)$/.exec(allowedVersions)?.[1]);
      for (const name of matchPackageNames)
        assert.equal(Number(versions[name]?.split(".")[0]), below - 1, name);
    }
  });
});
