import { spawn } from "node:child_process";
import { UserError } from "../../contracts/userError";

/** The stack's output that has it. */
export const API_URL_OUTPUT = "taskApi";

/**
 * The API's address: given, or what the stack says.
 *
 * @throws UserError when there is none, or it is no URL
 */
export async function apiUrl(
  root: string,
  { api, stack }: { readonly api?: string; readonly stack: string },
): Promise<string> {
  const url = api || (await stackOutput(root, stack));
  if (url === undefined)
    throw new UserError(
      "Which API? Give its address, with the stage, as --api URL or in FLEET_API_URL; it is the " +
        `output ${API_URL_OUTPUT} of the stack: pulumi stack output ${API_URL_OUTPUT} --stack ${stack}`,
    );
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UserError(
      `"${url}" is no address of an API; one is, for instance, https://a1b2c3.execute-api.us-west-2.amazonaws.com/prod`,
    );
  return url;
}

/** What Pulumi knows of a deployed stack; nothing where it is not installed or knows no such stack. */
function stackOutput(root: string, stack: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn("pulumi", ["stack", "output", API_URL_OUTPUT, "--stack", stack], {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    child.on("error", () => resolve(undefined));
    child.on("close", (status) => resolve(status === 0 ? output.trim() : undefined));
  });
}
