/** An input cannot be had, and why, for a person; which field it is for is said by the caller. */
export class InputUnavailable extends Error {
  override readonly name = "InputUnavailable";

  constructor(
    message: string,
    /** It may be there the next time. */
    readonly isPassing = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function tooLarge(maxBytes: number): InputUnavailable {
  return new InputUnavailable(`is larger than the ${maxBytes} bytes that an input may have`);
}
