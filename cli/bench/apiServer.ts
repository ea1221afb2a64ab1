import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../../contracts/userError";
import {
  prepareControlPlane,
  startControlPlane,
} from "../../tests/cluster/controlPlane/controlPlane";
import { allCrds, hasSchema } from "../../tests/cluster/controlPlane/crds";
import { GoUnavailable } from "../../tests/cluster/controlPlane/go";
import { plannedObjects } from "../../tests/cluster/plannedObjects";
import type { PlanDocument } from "../plan/document";
import type { Bench, BenchContext } from "./bench";
import { row } from "./row";

const RUNS = 5;

/** Servers one after the other: each is started, gets the CRDs, and then all of the plan of `dev`. */
export const apiServerBench: Bench = {
  about: "a real API server: from its start until it is ready, and until it has the plan of dev",
  prepare: ({ progress }) => orUserError("api-server", () => prepareControlPlane(progress)),
  measure: (context) => orUserError("api-server", () => measure(context)),
};

async function measure({ launcher, progress }: BenchContext) {
  await prepareControlPlane(progress);
  const crds = await allCrds();
  const document = await planOfDev(launcher);
  const objects = plannedObjects({ document }).filter(hasSchema);

  const starts: number[] = [];
  const defines: number[] = [];
  const applies: number[] = [];
  for (let run = 1; run <= RUNS; run++) {
    progress(`run ${run} of ${RUNS}`);
    const started = performance.now();
    const server = await startControlPlane({ crds: [] });
    starts.push(secondsSince(started));
    try {
      defines.push(await secondsFor(() => server.define(crds)));
      applies.push(await secondsFor(() => server.apply(objects)));
    } finally {
      await server.stop();
    }
  }
  const figure = (metric: string, values: readonly number[]) =>
    row({ name: "api-server", metric, unit: "s", better: "lower" }, values);
  return [
    figure("start to ready", starts),
    figure(`create ${crds.length} CRDs`, defines),
    figure(`apply the dev plan, ${objects.length} objects`, applies),
  ];
}

async function planOfDev(launcher: string): Promise<PlanDocument> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [launcher, "plan", "--stack", "dev", "--json"],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as PlanDocument;
}

async function secondsFor(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return secondsSince(started);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** @throws UserError when this machine cannot build a control plane, which the bench needs */
export async function orUserError<T>(bench: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof GoUnavailable)) throw error;
    throw new UserError(
      `The bench "${bench}" builds etcd and kube-apiserver, and cannot: ${error.message}. ` +
        "It needs Go (https://go.dev/dl) and, the first time, the Go module registry.",
    );
  }
}
