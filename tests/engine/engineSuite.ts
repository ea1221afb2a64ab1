import { reasonToSkip } from "./pulumiProcess";
import { closeAll } from "./world";

const MINUTE = 60_000;

const reason = reasonToSkip();

if (reason === undefined) {
  after("no world is left", closeAll);
  process.once("exit", closeAll);
  // A signal ends a process without an exit event, unless somebody listens.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => process.exit(1));
} else {
  describe(`The real engine (skipped: ${reason})`, () => {
    it("runs the program");
  });
}

/** A suite on Pulumi's engine; where there is none, one line for all of these says so. */
export function describeOnEngine(title: string, body: () => void): void {
  if (reason !== undefined) return;
  describe(`On the real engine, ${title}`, function () {
    this.timeout(10 * MINUTE);
    body();
  });
}
