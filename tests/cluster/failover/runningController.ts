import type { KubeConfig } from "@kubernetes/client-node";
import { Registry } from "prom-client";
import { KubeApi } from "../../../apps/failover-controller/cluster/api";
import { createFailover, type Failover } from "../../../apps/failover-controller/failover";
import { createLog } from "../../../apps/service/log";
import type { ModelStatus, UnitStatus } from "../../../contracts/failover";
import type { FleetOnServer } from "./fleetOnServer";
import type { SimulatedClock } from "./simulatedClock";

/** The controller in this process, with simulated time and the rights that the program gives it. */
export class RunningController {
  private constructor(
    readonly failover: Failover,
    readonly registry: Registry,
    readonly switches: readonly string[],
    readonly fleet: FleetOnServer,
    readonly clock: SimulatedClock,
    readonly api: KubeApi,
  ) {}

  /**
   * Begins to lead at once: who leads is tested elsewhere.
   *
   * @param connect how it reaches the server, for a test to stand in between
   */
  static async on(
    fleet: FleetOnServer,
    clock: SimulatedClock,
    connect: (config: KubeConfig) => KubeApi = (config) => new KubeApi(config),
  ): Promise<RunningController> {
    const registry = new Registry();
    const switches: string[] = [];
    const api = connect(await fleet.controllerConfig());
    const failover = createFailover({
      api,
      namespace: fleet.namespace,
      pod: "failover-controller-0",
      stackLabelValue: fleet.environment("STACK_LABEL_VALUE"),
      clock,
      log: createLog(process.env.FAILOVER_LOG ? "info" : "silent"),
      registry,
      onSwitch: ({ model }, direction) => switches.push(`${model} ${direction}`),
    });
    const running = new RunningController(failover, registry, switches, fleet, clock, api);
    await failover.watches.start();
    await failover.controller.lead();
    await running.until((status) => status !== undefined, "it has looked", false);
    return running;
  }

  get status(): ModelStatus | undefined {
    return this.failover.controller.statuses.find(({ model }) => model === this.fleet.table.model);
  }

  unit(name: string): UnitStatus {
    return this.status!.units[name]!;
  }

  /** Waits, in real time, until the controller has seen something and has done with it. */
  async until(
    isSo: (status: ModelStatus | undefined) => boolean | Promise<boolean>,
    what = String(isSo),
    andIdle = true,
  ): Promise<void> {
    const deadline = performance.now() + 15_000;
    const isDone = () => !andIdle || this.failover.controller.isIdle;
    while (!((await isSo(this.status)) && isDone())) {
      if (performance.now() > deadline)
        throw new Error(`not so after 15 s: ${what}\n${JSON.stringify(this.status, null, 2)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Waits until a unit is in a state. */
  untilUnit(name: string, state: UnitStatus["state"]): Promise<void> {
    return this.until(
      ({ units } = { units: {} } as ModelStatus) => units[name]?.state === state,
      `${name} ${state}`,
    );
  }

  /** Lets simulated time pass. */
  pass(seconds: number): Promise<void> {
    return this.clock.advance(seconds, async () => {
      // What hangs goes on hanging; time passes all the same.
      for (let ms = 0; ms < 500 && !this.failover.controller.isIdle; ms++)
        await new Promise((resolve) => setTimeout(resolve, 1));
    });
  }

  stop(): void {
    this.failover.controller.follow();
    this.failover.watches.stop();
    this.api.close();
  }
}
