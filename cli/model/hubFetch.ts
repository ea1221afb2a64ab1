import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../contracts/userError";
import { networkProblem } from "../tasks/networkProblem";

/** Who asks the hub for what: for messages. */
export interface HubQuestion {
  readonly hubUrl: string;
  /** `OWNER/NAME`. */
  readonly name: string;
  readonly revision: string | undefined;
  /** What the token was read from, e.g. `HF_TOKEN`; absent: there is none. */
  readonly tokenFrom: string | undefined;
}

const TRIES = 4;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/**
 * A `fetch` for the hub's client: what is only for the moment is asked for again, and what the hub
 * refuses is said to the user.
 */
export function hubFetch(question: HubQuestion): typeof fetch {
  return async (input, init) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await fetch(input, init).catch((error: unknown) => {
        const problem = networkProblem(error);
        if (problem === undefined) throw error;
        return problem;
      });
      const isLast = attempt === TRIES;
      if (outcome instanceof Response) {
        if (outcome.ok) return outcome;
        if (isLast || (outcome.status !== 429 && outcome.status < 500))
          throw await refusal(question, outcome);
        await outcome.body?.cancel();
      } else if (isLast || outcome.isPermanent)
        throw new UserError(`The hub, ${question.hubUrl}, cannot be reached: ${outcome.text}`);
      await sleep(waitMs(attempt, outcome));
    }
  };
}

function waitMs(attempt: number, outcome: unknown): number {
  const asked = outcome instanceof Response ? Number(outcome.headers.get("retry-after")) * 1000 : 0;
  return Math.min(LONGEST_WAIT_MS, asked || FIRST_WAIT_MS * 2 ** attempt);
}

/** Source: huggingface_hub, `hf_raise_for_status`: the hub's codes in the header X-Error-Code. */
async function refusal(
  { hubUrl, name, revision, tokenFrom }: HubQuestion,
  response: Response,
): Promise<UserError> {
  const { status, headers } = response;
  const said = await saidBy(response);
  const code = headers.get("x-error-code");
  const page = `${hubUrl}/${name}`;
  if (code === "GatedRepo")
    return new UserError(
      tokenFrom === undefined
        ? `${name} is given to those only who have accepted its licence at the hub: accept it at ${page}, make a ` +
            "token there (Settings, Access Tokens), and give it in the environment variable HF_TOKEN " +
            "(or --token-env NAME, --token-secret ARN)."
        : `${name} is given to those only who have accepted its licence at the hub, and the account of the token in ${tokenFrom} ` +
            `has not, or its owner has not agreed yet: ${page}. (${status}${said})`,
    );
  if (code === "RevisionNotFound")
    return new UserError(
      `--from: ${name} has no revision "${revision}"; allowed: a branch, a tag or a commit of ${page}.`,
    );
  if (code === "EntryNotFound")
    return new UserError(`--from: ${response.url} is not there: no file of that name.`);
  if (status === 401 && tokenFrom !== undefined && code !== "RepoNotFound")
    return new UserError(`The hub does not take the token in ${tokenFrom}. (${status}${said})`);
  if (code === "RepoNotFound" || status === 401 || status === 404)
    return new UserError(
      `--from: the hub has no model ${name}, or ${
        tokenFrom === undefined
          ? "it is private: then give a token in HF_TOKEN"
          : `the token in ${tokenFrom} may not see it`
      }. (${page})`,
    );
  return new UserError(`The hub answers ${status} to ${response.url}${said}`);
}

async function saidBy(response: Response): Promise<string> {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? `: ${error}` : "";
  } catch {
    return "";
  }
}
