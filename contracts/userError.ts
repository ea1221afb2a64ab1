/**
 * An error that the person who runs the program can act on: its message says what is wrong, where,
 * and what to do. Any other error is a bug and keeps its stack.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
}
