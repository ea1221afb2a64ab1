import { spawn } from "node:child_process";
import { freePorts } from "../cluster/controlPlane/freePorts";
import { pythonWith } from "./python";

/** moto's server: AWS's APIs on this machine, of one account, with nothing in it yet. */
export interface Moto {
  /** E.g. `http://127.0.0.1:5000`. */
  readonly endpoint: string;
  stop(): void;
}

/** What the AWS SDK is to have in its environment to ask moto. */
export function motoEnvironment({ endpoint }: Moto): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "us-west-2",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
}

/** A suite with a moto of its own. Where it is not installed, it is skipped, and its title says why. */
export function describeOnMoto(title: string, body: (moto: () => Moto) => void): void {
  const python = pythonWith(["moto", "flask"]);
  if (python.interpreter === undefined) {
    describe.skip(`${title} (skipped: ${python.reason})`, () => body(notRunning));
    return;
  }
  const { interpreter } = python;
  describe(title, function () {
    this.timeout(60_000);
    let running: Moto | undefined;
    before("start moto", async () => {
      running = await start(interpreter);
    });
    after("stop it", () => running?.stop());
    body(() => running ?? notRunning());
  });
}

async function start(interpreter: string): Promise<Moto> {
  const [port] = await freePorts(1);
  const child = spawn(
    interpreter,
    ["-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    { stdio: "ignore" },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 30_000;
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error("moto does not answer");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { endpoint, stop: () => void child.kill("SIGKILL") };
}

function answers(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/moto-api/`).then(
    ({ ok }) => ok,
    () => false,
  );
}

function notRunning(): never {
  throw new Error("moto is used before or after the tests");
}
