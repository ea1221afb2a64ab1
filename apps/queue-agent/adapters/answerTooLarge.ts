import { TaskFailed } from "../taskFailed";

/**
 * A runtime's answer that an agent has no memory for. The next attempt's would be as long, so it is
 * the request that is wrong.
 */
export class AnswerTooLarge extends TaskFailed {
  /**
   * @param request what was asked, `METHOD /path`
   * @param bytes as the runtime says; undefined: it does not say
   */
  constructor(request: string, bytes: number | undefined, maxBytes: number) {
    super(
      "refused",
      `${request}: an answer of ${bytes ?? `more than ${maxBytes}`} bytes, and an agent takes ${maxBytes} at most: ` +
        "fewer or smaller images in one task",
    );
  }
}
