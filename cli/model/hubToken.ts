import { UserError } from "../../contracts/userError";
import { askAws } from "../tasks/askAws";

/** What the hub knows somebody by. */
export interface HubToken {
  readonly value: string;
  /** Where it was read, for messages; never the token itself. */
  readonly from: string;
}

export interface HubTokenOptions {
  /** Environment variable that holds it; absent: HF_TOKEN, if that is set. */
  readonly tokenEnv?: string;
  /** Secret of AWS Secrets Manager that holds it: an ARN or a name. */
  readonly tokenSecret?: string;
}

const DEFAULT_VARIABLE = "HF_TOKEN";

/**
 * The token, if there is one.
 *
 * @param region of the secret, where its ARN does not say it
 * @throws UserError when it is not where it was said to be, or is none
 */
export async function hubToken(
  { tokenEnv, tokenSecret }: HubTokenOptions,
  region: string,
): Promise<HubToken | undefined> {
  if (tokenEnv !== undefined && tokenSecret !== undefined)
    throw new UserError("--token-env and --token-secret are both given; allowed: one of them.");
  if (tokenSecret !== undefined)
    return checked({
      value: await secret(tokenSecret, region),
      from: `--token-secret ${tokenSecret}`,
    });
  const variable = tokenEnv ?? DEFAULT_VARIABLE;
  const value = process.env[variable]?.trim();
  if (value) return checked({ value, from: variable });
  if (tokenEnv === undefined) return undefined;
  throw new UserError(
    `--token-env is "${tokenEnv}", an environment variable that is not set; allowed: one that holds a token of the hub.`,
  );
}

function checked(token: HubToken): HubToken {
  if (token.value.startsWith("hf_")) return token;
  throw new UserError(`What ${token.from} holds is no token of the hub, which begins with hf_.`);
}

/** A secret's text, or its one value where it is JSON as the console writes it. */
async function secret(id: string, region: string): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import(
    "@aws-sdk/client-secrets-manager"
  );
  const [, ofArn] = /^arn:[^:]+:secretsmanager:([^:]+):/.exec(id) ?? [];
  const client = new SecretsManagerClient({ region: ofArn ?? region });
  try {
    const { SecretString: text = "" } = await askAws(
      `reading the secret ${id}`,
      client.send(new GetSecretValueCommand({ SecretId: id })),
    );
    return (valueIn(text) ?? text).trim();
  } finally {
    client.destroy();
  }
}

function valueIn(text: string): string | undefined {
  try {
    const values = Object.values(JSON.parse(text) as object);
    return values.length === 1 && typeof values[0] === "string" ? values[0] : undefined;
  } catch {
    return undefined;
  }
}
