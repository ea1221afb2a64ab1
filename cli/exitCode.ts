/** What the `fleet` command's exit status says. */
export const ExitCode = {
  ok: 0,
  /** A mandatory policy is violated. */
  violation: 1,
  /** A task has not completed, or a message is not where it was to go. */
  incomplete: 1,
  /** The config or the command line is wrong. */
  wrongUse: 2,
  /** A bug in the program or in this tool. */
  internal: 3,
} as const;
