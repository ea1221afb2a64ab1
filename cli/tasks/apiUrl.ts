import { UserError } from "../../contracts/userError";
import { stackOutput } from "../stackOutput";

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
  const url = api || (await stackOutput(root, stack, API_URL_OUTPUT));
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
