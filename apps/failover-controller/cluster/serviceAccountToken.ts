import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import type { User } from "@kubernetes/client-node";

const PROVIDER = "service-account";
/** client-go's; the kubelet renews the file when a fifth of the token's time is left. */
const KEEP_MS = 60_000;

/**
 * A pod's token, read again every minute. client-node's own authenticator asks the wall clock, and
 * would keep an old token for as long as that has been set back.
 */
export class ServiceAccountToken {
  readonly #keepMs: number;
  #header = "";
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly file: string,
    keepMs = KEEP_MS,
  ) {
    this.#keepMs = keepMs;
  }

  /** What a kubeconfig's user is to have to be authenticated by this. */
  static readonly authProvider = { name: PROVIDER };

  isAuthProvider({ authProvider }: User): boolean {
    return authProvider?.name === PROVIDER;
  }

  async applyAuthentication(_user: User, options: RequestOptions): Promise<void> {
    const now = performance.now();
    if (now >= this.#readAt + this.#keepMs) {
      this.#header = `Bearer ${(await readFile(this.file, "utf8")).trim()}`;
      this.#readAt = now;
    }
    options.headers = { ...(options.headers as object), Authorization: this.#header };
  }
}
