import { randomUUID } from "node:crypto";
import { Registry } from "prom-client";
import { FAILOVER_CONTROLLER } from "../../contracts/failover";
import { UserError } from "../../contracts/userError";
import { serveEndpoints } from "../service/endpoints";
import { createLog } from "../service/log";
import { readSettings } from "../service/settings";
import { stopOnSignals } from "../service/stop";
import { steadyClock } from "./clock";
import { KubeApi } from "./cluster/api";
import { loadKubeConfig } from "./cluster/kubeConfig";
import { LeaderElection } from "./cluster/leaderElection";
import { pause } from "./cluster/pause";
import { createFailover } from "./failover";
import { Reports } from "./reports";
import { settingsSchema } from "./settings";

const retryMs = 1000;
/** Every request has a deadline of seconds, so a round that takes so long will never end. */
const stuckMs = 120_000;

async function main(): Promise<void> {
  const settings = readSettings(settingsSchema);
  const { NAMESPACE: namespace, POD_NAME: pod, STACK: stack } = settings;
  const log = createLog(settings.LOG_LEVEL, { app: FAILOVER_CONTROLLER, pod, stack });
  const registry = new Registry();
  const api = new KubeApi(loadKubeConfig());
  const reports = new Reports({ settings, log, onFailure: (what) => metrics.failed(what) });

  const { controller, watches, metrics } = createFailover({
    api,
    namespace,
    pod,
    stackLabelValue: settings.STACK_LABEL_VALUE,
    clock: steadyClock(),
    log,
    registry,
    onSwitch: (status, direction) => reports.switched(status, direction),
    mayAct: () => election.isLeader,
  });
  const lease = settings.LEASE_SECONDS;
  const election = new LeaderElection(api, {
    path: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${FAILOVER_CONTROLLER}`,
    identity: `${pod}_${randomUUID().slice(0, 8)}`,
    leaseDurationSeconds: lease,
    renewDeadlineSeconds: (lease * 2) / 3,
    retryPeriodSeconds: (lease * 2) / 15,
    log,
    onStartedLeading: async (term) => {
      metrics.leader.set(1);
      while (!term.aborted)
        try {
          await controller.lead();
          return;
        } catch (error) {
          metrics.failed("lead");
          log.error({ error }, "the last status cannot be read, so nothing is decided yet");
          await pause(retryMs, term);
        }
    },
    onStoppedLeading: () => {
      controller.follow();
      metrics.leader.set(0);
    },
  });
  metrics.leader.set(0);

  const endpoints = await serveEndpoints({
    port: settings.PORT,
    metrics: registry,
    liveness: () =>
      controller.busyMs > stuckMs ? [`a round has been going on for ${controller.busyMs} ms`] : [],
    readiness: () =>
      watches.isSynced ? [] : [`not listed yet: ${watches.missing.join(", ") || "anything"}`],
    log,
  });
  stopOnSignals({
    log,
    steps: [
      { name: "stop reporting", stop: () => reports.stop() },
      { name: "give the Lease back", stop: () => election.stop() },
      { name: "stop watching", stop: () => watches.stop() },
      { name: "close the endpoints", stop: () => endpoints.close() },
    ],
  });
  log.info({ namespace, port: endpoints.port }, "started");

  await watches.start();
  log.info("the cluster has been listed");
  election.start();
  reports.start(() =>
    election.isLeader
      ? {
          statuses: controller.statuses,
          errors: metrics.totals.errors,
          silenceMs: watches.silenceMs,
        }
      : undefined,
  );
}

main().catch((error: unknown) => {
  const isUsers = error instanceof UserError;
  process.stderr.write(`${isUsers ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exit(isUsers ? 2 : 1);
});
