import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TASK_API_LISTS_FILE } from "../../contracts/tasks/settings";

/**
 * The settings that lie beside the function's code. Without Lambda there is no such file, and the
 * environment has them.
 *
 * Source of the variable: Lambda developer guide, "Working with Lambda environment variables".
 */
export function deployedLists({
  LAMBDA_TASK_ROOT: folder,
}: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return folder === undefined
    ? {}
    : JSON.parse(readFileSync(join(folder, TASK_API_LISTS_FILE), "utf8"));
}
