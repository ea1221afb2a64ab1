import { ExitCode } from "../exitCode";
import { paintFor } from "../terminal";
import { readCluster } from "./clusterObjects";
import { ClusterReader } from "./clusterReader";
import { secondLook } from "./failoverReport";
import { type KubeconfigOptions, loadKubeconfig } from "./kubeconfig";
import { type RoutesReport, routesReport } from "./report";
import { reportLines } from "./reportText";
import { watchRoutes } from "./watch";

export interface RoutesOptions extends KubeconfigOptions {
  readonly namespace: string;
  readonly model?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

/** How long a switch is under way at most: its route is written, its status not yet. */
const SWITCH_MS = 1500;
/** A leader renews its Lease every two seconds. */
const RENEWAL_MS = 3000;

/**
 * Prints where a cluster sends its traffic, and why.
 *
 * @returns the exit status
 * @throws UserError when the cluster cannot be reached, refuses, or has no such model
 */
export async function runRoutes(options: RoutesOptions): Promise<number> {
  const reader = new ClusterReader(await loadKubeconfig(options));
  const { namespace, model, json } = options;
  const { context, server } = reader;
  const read = async () =>
    routesReport({ context, server, namespace }, await readCluster(reader, namespace), model);
  try {
    if (options.watch) await untilInterrupted((until) => watchRoutes(read, { json, until }));
    else {
      const report = await settled(read);
      const text = json
        ? JSON.stringify(report, null, 2)
        : reportLines(report, paintFor(process.stdout)).join("\n");
      process.stdout.write(`${text}\n`);
    }
  } finally {
    reader.close();
  }
  return ExitCode.ok;
}

/** Runs what ends when somebody interrupts, which is no failure. */
async function untilInterrupted(run: (until: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const interrupt = () => interrupted.abort();
  for (const signal of signals) process.once(signal, interrupt);
  try {
    await run(interrupted.signal);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

/** A report, whose drift is no switch that has only just begun, and whose dead are dead. */
async function settled(read: () => Promise<RoutesReport>): Promise<RoutesReport> {
  const first = await read();
  const isDrifted = first.models.some(({ drift }) => drift.length > 0);
  const isSilent = first.failover.state === "silent";
  if (!isDrifted && !isSilent) return first;
  await new Promise((later) => setTimeout(later, isSilent ? RENEWAL_MS : SWITCH_MS));
  const second = await read();
  return { ...second, failover: secondLook(first.failover, second.failover) };
}
