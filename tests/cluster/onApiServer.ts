import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "./controlPlane/controlPlane";
import { GoUnavailable, goVersion } from "./controlPlane/go";

/** Seconds are enough, unless two cores do much else. */
const TIMEOUT_MS = 300_000;

/** What to start, asked before the suite's first test. */
type Options = () => Promise<ControlPlaneOptions>;

/**
 * A suite that has an API server of its own. Where none can be had, it is skipped and its title
 * says why.
 *
 * @param body is given how to get at the server, which runs while tests and inner hooks do
 */
export function describeOnApiServer(
  title: string,
  body: (server: () => ControlPlane) => void,
  options: Options = async () => ({}),
): void {
  if (goVersion() === undefined) {
    describe.skip(`${title} (skipped: Go is not installed)`, () => body(notRunning));
    return;
  }
  describe(title, function () {
    this.timeout(TIMEOUT_MS);
    let running: ControlPlane | undefined;

    before("start an API server", async function () {
      // The first one on a machine is built.
      this.timeout(0);
      try {
        running = await startControlPlane(await options());
      } catch (error) {
        if (!(error instanceof GoUnavailable)) throw error;
        this.test!.parent!.title += ` (skipped: ${error.message})`;
        this.skip();
      }
    });

    after("stop it", () => running?.stop());

    body(() => running ?? notRunning());
  });
}

function notRunning(): never {
  throw new Error("the API server is used before or after the tests");
}
