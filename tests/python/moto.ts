import { resolve } from "node:path";
import { type Moto, startMoto } from "../../cli/localAws/moto";
import { motoPackages, pythonWith } from "../../cli/localAws/python";

export { type Moto, motoEnvironment } from "../../cli/localAws/moto";

const root = resolve(__dirname, "../..");

/** A suite with a moto of its own. Where it is not installed, it is skipped, and its title says why. */
export function describeOnMoto(
  title: string,
  body: (this: Mocha.Suite, moto: () => Moto) => void,
): void {
  const python = pythonWith(root, motoPackages);
  if (python.interpreter === undefined) {
    describe.skip(`${title} (skipped: ${python.reason})`, function () {
      body.call(this, notRunning);
    });
    return;
  }
  const { interpreter } = python;
  describe(title, function () {
    let running: Moto | undefined;
    before("start moto", async () => {
      running = await startMoto(interpreter);
    });
    after("stop it", () => running?.stop());
    body.call(this, () => running ?? notRunning());
  });
}

function notRunning(): never {
  throw new Error("moto is used before or after the tests");
}
