import { UserError } from "../../contracts/userError";

const NO_CREDENTIALS = ["CredentialsProviderError", "ExpiredToken", "ExpiredTokenException"];

/**
 * What AWS answers.
 *
 * @param doing  what it is asked for, e.g. `reading the queue`
 * @throws UserError when it refuses or is not reached
 */
export async function askAws<T>(doing: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    if (NO_CREDENTIALS.includes(name))
      throw new UserError(
        `${doing[0]!.toUpperCase()}${doing.slice(1)} needs AWS credentials: set AWS_PROFILE, sign in by \`aws sso login\`, or give ` +
          `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. (${message})`,
      );
    if (error instanceof TypeError && code === undefined) throw error;
    const isAnswer = (error as { readonly $metadata?: object }).$metadata !== undefined && !code;
    throw new UserError(
      isAnswer
        ? `AWS refuses ${doing}: ${name}: ${message}`
        : `AWS cannot be reached for ${doing}: ${message || code}`,
    );
  }
}
