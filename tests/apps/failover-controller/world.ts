import { deployment } from "../../../apps/failover-controller/observe/deployment";
import { karpenterEvent } from "../../../apps/failover-controller/observe/karpenterEvent";
import { nodeClaim } from "../../../apps/failover-controller/observe/nodeClaim";
import { nodePool } from "../../../apps/failover-controller/observe/nodePool";
import { pod } from "../../../apps/failover-controller/observe/pod";
import { Observer } from "../../../apps/failover-controller/observer";
import { PROBE_LABEL } from "../../../contracts/failover";
import { UNIT_LABEL } from "../../../contracts/labels";
import type { ModelRouteTable } from "../../../contracts/routeTable";
import { hour, nodePoolOf } from "./fleet";
import { fleetErrors, fleetMessage } from "./observe/fleetErrors";
import {
  deploymentObject,
  eventObject,
  launched,
  launchFailed,
  nodeClaimObject,
  nodePoolObject,
  noneLeft,
  type PodArgs,
  podObject,
} from "./observe/objects";

/** How long an API server keeps events. */
const eventsLast = hour;

/**
 * What an API server would show of a fleet as things happen, told to an observer as it changes. A
 * restarted observer is told what a list shows.
 */
export class World {
  now: number;
  observer: Observer;
  readonly table: ModelRouteTable;
  readonly #holdMs: number;
  readonly #pods = new Map<string, unknown>();
  readonly #claims = new Map<string, unknown>();
  readonly #pools = new Map<string, unknown>();
  readonly #deployments = new Map<string, unknown>();
  #events: { readonly at: number; readonly raw: unknown }[] = [];
  #names = 0;

  constructor(table: ModelRouteTable, now: number, holdMs: number) {
    this.table = table;
    this.now = now;
    this.#holdMs = holdMs;
    this.observer = this.#newObserver();
  }

  #newObserver(): Observer {
    const observer = new Observer(
      () => this.now,
      () => this.#holdMs,
    );
    observer.setUnits(this.table.units);
    return observer;
  }

  /** A new process lists all that there is: machines before the events about them. */
  restart(): void {
    this.observer = this.#newObserver();
    for (const raw of this.#claims.values()) this.observer.nodeClaimIs(nodeClaim(raw)!);
    for (const raw of this.#pools.values()) this.observer.nodePoolIs(nodePool(raw)!);
    for (const raw of this.#deployments.values()) this.observer.deploymentIs(deployment(raw)!);
    for (const raw of this.#pods.values()) this.observer.podIs(pod(raw)!);
    this.#events = this.#events.filter(({ at }) => this.now - at < eventsLast);
    for (const { raw } of this.#events) this.observer.karpenterSays(karpenterEvent(raw)!);
  }

  #device(unit: string): string {
    return this.table.units[unit]!.device;
  }

  pod(unit: string, name: string, state: PodArgs["state"], probe = false): void {
    const key = `${unit}-${name}`;
    const before = this.#pods.get(key) as ReturnType<typeof podObject> | undefined;
    const next = podObject({
      unit,
      name: key,
      device: this.#device(unit),
      at: this.now,
      state,
      probe,
    });
    // A condition that stays keeps its time.
    const same = before?.status.conditions[0]?.status === next.status.conditions[0]?.status;
    const raw = before !== undefined && same && state === "unschedulable" ? before : next;
    this.#pods.set(key, raw);
    this.observer.podIs(pod(raw)!);
  }

  podIsGone(unit: string, name: string): void {
    const key = `${unit}-${name}`;
    if (this.#pods.delete(key)) this.observer.podIsGone({ unit, name: key });
  }

  wants(unit: string, replicas: number): void {
    const raw = deploymentObject(unit, replicas, { [UNIT_LABEL]: unit });
    this.#deployments.set(unit, raw);
    this.observer.deploymentIs(deployment(raw)!);
  }

  probeWants(unit: string, replicas: number): void {
    const { probe } = this.table.units[unit]!;
    if (probe === undefined) return;
    const raw = deploymentObject(probe, replicas, { [PROBE_LABEL]: unit, [UNIT_LABEL]: unit });
    this.#deployments.set(probe, raw);
    this.observer.deploymentIs(deployment(raw)!);
  }

  /** Karpenter asks for a machine, is refused, says so, and deletes the NodeClaim. */
  refused(unit: string, error: keyof typeof fleetErrors): void {
    const object = this.#claim(unit);
    this.#says(
      "NodeClaim",
      object,
      "InsufficientCapacityError",
      fleetMessage(object, fleetErrors[error]),
    );
    this.#claims.delete(object);
    this.observer.nodeClaimIsGone(object);
  }

  /** Nothing is left to ask for, for Karpenter hides what was refused. */
  hidden(unit: string): void {
    this.#says("NodePool", nodePoolOf(unit), "NoCompatibleInstanceTypes", noneLeft);
  }

  launchFails(unit: string): void {
    this.#claim(unit, launchFailed);
  }

  launches(unit: string): void {
    this.#claim(unit, launched);
  }

  limit(unit: string, limit: number, used: number): void {
    const raw = nodePoolObject(unit, this.#device(unit), limit, used);
    this.#pools.set(unit, raw);
    this.observer.nodePoolIs(nodePool(raw)!);
  }

  #claim(unit: string, condition?: typeof launched): string {
    this.#names += 1;
    const name = `${nodePoolOf(unit)}-${String(this.#names).padStart(5, "0")}`;
    for (const each of condition === undefined ? [undefined] : [undefined, condition]) {
      const raw = nodeClaimObject({ unit, name, at: this.now, ...(each && { launched: each }) });
      this.#claims.set(name, raw);
      this.observer.nodeClaimIs(nodeClaim(raw)!);
    }
    return name;
  }

  #says(kind: "NodeClaim" | "NodePool", object: string, reason: string, message: string): void {
    const raw = eventObject({ kind, object, reason, message, at: this.now });
    this.#events.push({ at: this.now, raw });
    this.observer.karpenterSays(karpenterEvent(raw)!);
  }
}
