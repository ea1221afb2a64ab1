// Bundles an app, or one module of it, with all its packages into one file, as its image has it:
//   node apps/bundle.mjs failover-controller FILE
//   node apps/bundle.mjs task-api/lambda FILE
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const apps = dirname(fileURLToPath(import.meta.url));

const [app, outfile] = process.argv.slice(2);
if (app === undefined || outfile === undefined) {
  console.error("Usage: node apps/bundle.mjs APP FILE");
  process.exit(2);
}
mkdirSync(dirname(outfile), { recursive: true });
await build({
  ...sharedOptions(),
  entryPoints: [entryPoint(app)],
  outfile,
  target: "node20.19",
  plugins: [withoutUnusedModels()],
});

/**
 * What the program, too, bundles with: ES modules of packages, of which what is not used is left
 * out; names in stack traces, as lines are of no use without the map; not the checkout's
 * tsconfig.json, which is not among what an image is built from.
 */
function sharedOptions() {
  return JSON.parse(readFileSync(join(apps, "../contracts/bundleOptions.json"), "utf8"));
}

/** An app's main.ts, or the module that is named. */
function entryPoint(name) {
  const module = join(apps, `${name}.ts`);
  return existsSync(module) ? module : join(apps, name, "main.ts");
}

/**
 * @kubernetes/client-node has 900 modules of models without saying that importing them does
 * nothing, so that a bundle would have all of them: 10 MiB of memory.
 */
function withoutUnusedModels() {
  const isAsked = Symbol("asked");
  return {
    name: "without-unused-models",
    setup: ({ onResolve, resolve }) =>
      onResolve({ filter: /^@kubernetes\/client-node$|^\./ }, async (args) => {
        const { path, importer, resolveDir, kind, pluginData } = args;
        if (pluginData === isAsked) return undefined;
        if (path.startsWith(".") && !importer.includes("@kubernetes/client-node/"))
          return undefined;
        const found = await resolve(path, { importer, resolveDir, kind, pluginData: isAsked });
        return { ...found, sideEffects: false };
      }),
  };
}
