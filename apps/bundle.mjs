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
  logLevel: "warning",
});
