import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { contextTag } from "../../components/buildContext";
import { appBuilds } from "../../stacks/images";

const root = resolve(__dirname, "../..");

/** What a Dockerfile copies from the context, without slashes at the end. */
function copied(dockerfile: string): readonly string[] {
  return [
    ...readFileSync(join(root, dockerfile), "utf8").matchAll(/^COPY (?!--from)(.+) \S+$/gm),
  ].flatMap(([, sources = ""]) => sources.split(" ").map((source) => source.replace(/\/$/, "")));
}

/** Folders of the checkout that a folder's sources import from, outside it, and what those do. */
function importedFolders(folder: string, seen = new Set<string>()): ReadonlySet<string> {
  const files = readdirSync(join(root, folder), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"));
  for (const file of files) {
    const path = join(root, folder, file);
    for (const [, specifier = ""] of readFileSync(path, "utf8").matchAll(/from "(\.[^"]+)"/g)) {
      const target = resolve(path, "..", specifier).slice(root.length + 1);
      const [top = "", app = ""] = target.split("/");
      const found = top === "apps" ? `apps/${app}` : top;
      if (found === folder || seen.has(found) || !existsSync(join(root, found))) continue;
      seen.add(found);
      importedFolders(found, seen);
    }
  }
  return seen;
}

for (const [app, build] of Object.entries(appBuilds))
  describe(`The image of ${app}, built by \`pulumi up\``, () => {
    it("has a tag over all that its Dockerfile copies and its sources import", () => {
      const parts = build.parts ?? [];
      assert.ok(copied(build.dockerfile).length >= 5);
      for (const source of copied(build.dockerfile))
        assert.ok(
          source === "apps" || parts.includes(source),
          `${source} is copied, and a change of it would not give another tag`,
        );
      const imported = importedFolders(`apps/${app}`);
      assert.ok(imported.has("contracts"));
      for (const folder of imported) assert.ok(parts.includes(folder), `${folder} is imported`);
    });

    it("has one, for all of its parts are there", () => {
      const dockerfile = join(root, build.dockerfile);
      assert.match(contextTag({ ...build, context: root, dockerfile }), /^[0-9a-f]{16}$/);
    });
  });
