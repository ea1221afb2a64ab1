import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** moto's server: AWS's APIs on this machine, of one account, with nothing in it yet. */
export interface Moto {
  /** E.g. `http://127.0.0.1:5000`. */
  readonly endpoint: string;
  readonly pid: number;
  stop(): void;
}

/** The account that moto plays. */
export const MOTO_ACCOUNT = "123456789012";

/**
 * Serves on a free port of loopback and prints it. Ends when its standard input does, and so with
 * whoever has started it, however that one ends.
 *
 * moto looks at a condition and writes without a lock; with one thread after the other, each until
 * it waits for something, conditional writes are as atomic as AWS's.
 */
const SERVER = `
import logging, sys, time
from moto.server import ThreadedMotoServer
seconds = float(sys.argv[1]) / 1000
if seconds > 0:
    from werkzeug.serving import WSGIRequestHandler
    answer = WSGIRequestHandler.run_wsgi
    def answer_later(self):
        time.sleep(seconds)
        answer(self)
    WSGIRequestHandler.run_wsgi = answer_later
logging.getLogger("werkzeug").setLevel(logging.ERROR)
sys.setswitchinterval(60)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
`;

/** What the AWS SDK is to have in its environment to ask moto. */
export function motoEnvironment(
  { endpoint }: Pick<Moto, "endpoint">,
  region = "us-west-2",
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
}

/**
 * Starts moto's server.
 *
 * @param interpreter a Python that has `motoPackages`
 * @param callMilliseconds so much longer takes each call, without work: AWS is further away
 * @throws Error when it does not start, with what it said
 */
export async function startMoto(interpreter: string, callMilliseconds = 0): Promise<Moto> {
  const child = spawn(interpreter, ["-W", "ignore", "-c", SERVER, String(callMilliseconds)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-2000);
  });
  // Written to after it has ended.
  child.stdin.on("error", () => undefined);
  const port = await new Promise<string>((resolve, reject) => {
    const lines = createInterface(child.stdout);
    lines.once("line", resolve);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`moto does not start: ${said.trim()}`)));
  });
  child.stdout.resume();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    stop: () => void child.kill("SIGKILL"),
  };
}
