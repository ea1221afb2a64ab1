import type { Registry } from "prom-client";
import type { Log } from "../service/log";
import type { Clock } from "./clock";
import type { KubeApi } from "./cluster/api";
import { Controller, type OnSwitch } from "./controller";
import { FleetWriter } from "./fleetWriter";
import { Metrics } from "./metrics";
import { Observer } from "./observer";
import { Watches } from "./watches";

export interface FailoverOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  /** Name of the controller's own pod. */
  readonly pod: string;
  /** Value of the label that this stack's machines carry. */
  readonly stackLabelValue: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly onSwitch?: OnSwitch;
  /** Whether this replica may write, asked before each write. Default: always. */
  readonly mayAct?: () => boolean;
}

export interface Failover {
  readonly controller: Controller;
  readonly watches: Watches;
  readonly metrics: Metrics;
}

/** A controller with all its parts, which does nothing yet: its watches are to be started. */
export function createFailover(options: FailoverOptions): Failover {
  const { api, namespace, pod, clock, log, onSwitch, mayAct } = options;
  const metrics = new Metrics(options.registry);
  const observer = new Observer(clock.now, () => watches.settings.holdSeconds * 1000);
  const watches: Watches = new Watches(api, observer, {
    namespace,
    stack: options.stackLabelValue,
    log,
    onChange: () => controller.look(),
    onFailure: (kind) => metrics.watchRestarts.inc({ kind }),
  });
  const controller = new Controller({
    observer,
    watches,
    writer: new FleetWriter(api, { namespace, pod }),
    metrics,
    clock,
    log,
    ...(onSwitch === undefined ? {} : { onSwitch }),
    ...(mayAct === undefined ? {} : { mayAct }),
  });
  return { controller, watches, metrics };
}
