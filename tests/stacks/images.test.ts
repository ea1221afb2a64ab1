import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { contextTag } from "../../components/buildContext";
import { failoverControllerBuild } from "../../stacks/images";

const root = resolve(__dirname, "../..");
const build = {
  ...failoverControllerBuild,
  context: root,
  dockerfile: join(root, failoverControllerBuild.dockerfile),
};

/** What the Dockerfile copies from the context, without slashes at the end. */
function copied(): readonly string[] {
  return [
    ...readFileSync(build.dockerfile, "utf8").matchAll(/^COPY (?!--from)(.+) \S+$/gm),
  ].flatMap(([, sources = ""]) => sources.split(" ").map((source) => source.replace(/\/$/, "")));
}

/** Files of `apps` that an import in some app leads to, or that bundle one. */
function importedFolders(): readonly string[] {
  const files = readdirSync(join(root, "apps/failover-controller"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"));
  const depth = (name: string) => name.split("/").length;
  return files.flatMap((name) =>
    [
      ...readFileSync(join(root, "apps/failover-controller", name), "utf8").matchAll(
        /from "((?:\.\.\/)+)([\w-]+)/g,
      ),
    ].flatMap(([, up = "", folder = ""]) => {
      const above = up.length / 3 - depth(name) + 1;
      if (above < 1) return [];
      return [above === 1 ? `apps/${folder}` : folder];
    }),
  );
}

describe("The fail-over controller's image, built by `pulumi up`", () => {
  it("has a tag over all that its Dockerfile copies and its sources import", () => {
    const parts: readonly string[] = build.parts;
    assert.ok(copied().length >= 5);
    for (const source of copied())
      assert.ok(
        source === "apps" || parts.includes(source),
        `${source} is copied, and a change of it would not give another tag`,
      );
    assert.ok(importedFolders().includes("contracts"));
    for (const folder of new Set(importedFolders()))
      assert.ok(parts.includes(folder), `${folder} is imported`);
  });

  it("has one, for all of its parts are there", () => {
    assert.match(contextTag(build), /^[0-9a-f]{16}$/);
  });
});
