// Bundles an app with all its packages into one file, as its image has it:
//   node apps/bundle.mjs failover-controller FILE
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [app, outfile] = process.argv.slice(2);
if (app === undefined || outfile === undefined) {
  console.error("Usage: node apps/bundle.mjs APP FILE");
  process.exit(2);
}
mkdirSync(dirname(outfile), { recursive: true });
await build({
  entryPoints: [join(dirname(fileURLToPath(import.meta.url)), app, "main.ts")],
  outfile,
  bundle: true,
  minify: true,
  // Names in stack traces; the lines are of no use without the map.
  keepNames: true,
  legalComments: "none",
  platform: "node",
  format: "cjs",
  target: "node20.19",
  // Not the checkout's tsconfig.json, which is not among what an image is built from.
  tsconfigRaw: { compilerOptions: { target: "ES2022", strict: true } },
  logLevel: "warning",
  plugins: [withoutUnusedModels()],
});

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
