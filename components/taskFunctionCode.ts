import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type BuildOptions, build } from "esbuild";
import bundleOptions from "../contracts/bundleOptions.json";
import { TASK_API, TASK_API_LISTS_FILE, type TaskApiLists } from "../contracts/tasks/settings";

/** The file that the function runs, and what of it is called: `index.js`, its export `handler`. */
export const FUNCTION_HANDLER = "index.handler";
const bundleName = "index.js";

/** Node's major version in Lambda, for which the bundle is written. */
export const FUNCTION_NODE = 24;

/** The module of an app that exports `handler`, in the checkout. */
function entryOf(app: string): string {
  return join("apps", app, "lambda.ts");
}

const bundled = new Map<string, Promise<string>>();

/**
 * A function's code and its packages in one file: the same checkout and the same lock file give the
 * same bytes on every machine, so that `up` changes the function when the code has changed and not
 * when somebody else runs it.
 *
 * @param app a folder of apps/ that has a `lambda.ts`
 */
export function functionBundle(app: string): Promise<string> {
  const known = bundled.get(app) ?? bundle(checkout(entryOf(app)), entryOf(app));
  bundled.set(app, known);
  return known;
}

/** The same as Lambda takes it, with the lists that the function reads from beside it. */
export function functionArchive(app: string, lists: object): pulumi.asset.AssetArchive {
  return new pulumi.asset.AssetArchive({
    [bundleName]: new pulumi.asset.StringAsset(functionBundle(app)),
    [TASK_API_LISTS_FILE]: new pulumi.asset.StringAsset(JSON.stringify(lists)),
  });
}

/** The API's. */
export function taskFunctionBundle(): Promise<string> {
  return functionBundle(TASK_API);
}

/** The API's. */
export function taskFunctionArchive(lists: TaskApiLists): pulumi.asset.AssetArchive {
  return functionArchive(TASK_API, lists);
}

/** The folder above this file that has the app; the command line runs from a bundle of its own. */
function checkout(entry: string): string {
  let folder = __dirname;
  while (!existsSync(join(folder, entry))) {
    if (folder === dirname(folder)) throw new Error(`${entry} is nowhere above ${__dirname}`);
    folder = dirname(folder);
  }
  return folder;
}

async function bundle(root: string, entry: string): Promise<string> {
  const { outputFiles } = await build({
    ...(bundleOptions as BuildOptions),
    entryPoints: [entry],
    // No path of this machine gets into the bundle.
    absWorkingDir: root,
    write: false,
    target: `node${FUNCTION_NODE}`,
  });
  return outputFiles[0]!.text;
}
