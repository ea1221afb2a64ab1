import type { ModelRouteTable, RoutedUnit } from "../../contracts/routeTable";
import { type Sighting, type UnitEvidence, withSighting } from "./evidence";
import type { ModelFacts } from "./modelState";
import { causeOf } from "./observe/causes";
import type { Deployment } from "./observe/deployment";
import type { KarpenterEvent } from "./observe/karpenterEvent";
import type { NodeClaim } from "./observe/nodeClaim";
import { isAtLimit, type NodePool } from "./observe/nodePool";
import type { Pod } from "./observe/pod";
import { backendsOf, type Route } from "./observe/route";
import type { UnitFacts } from "./unitState";

/** What comes in now is from now, for what it says of itself is to the second. */
const liveMs = 3000;

/** Karpenter's word for a NodeClaim that it has not looked at yet. */
const notLaunchedYet = ["", "AwaitingReconciliation"];

/** Deleted NodeClaims whose unit is remembered: an event may come after its NodeClaim has gone. */
const rememberedClaims = 1000;

/**
 * What the watches have said, as facts about units. It does no I/O; whoever watches tells it, and
 * asks it for facts. Times: milliseconds since 1970, of the clock it is given.
 */
export class Observer {
  readonly #now: () => number;
  readonly #holdMs: () => number;
  /** The second in which this began to look. */
  readonly #startedAt: number;
  readonly #evidence = new Map<string, UnitEvidence>();
  readonly #launchedAt = new Map<string, number>();
  readonly #pendingSince = new Map<string, number>();
  readonly #pods = new Map<string, Map<string, Pod>>();
  readonly #deployments = new Map<string, Deployment>();
  readonly #nodePools = new Map<string, NodePool>();
  readonly #launched = new Set<string>();
  readonly #unitOfClaim = new Map<string, string>();
  #unitOfPool = new Map<string, string>();
  #deviceOf = new Map<string, string>();

  /**
   * @param now the time
   * @param holdMs how long evidence counts without news of it
   */
  constructor(now: () => number, holdMs: () => number) {
    this.#now = now;
    this.#holdMs = holdMs;
    this.#startedAt = Math.floor(now() / 1000) * 1000;
  }

  /** Which units there are, with their NodePools and devices. */
  setUnits(units: Readonly<Record<string, RoutedUnit>>): void {
    const entries = Object.entries(units);
    this.#unitOfPool = new Map(entries.map(([name, { nodePool }]) => [nodePool, name]));
    this.#deviceOf = new Map(entries.map(([name, { device }]) => [name, device]));
    for (const name of entries.map(([unit]) => unit)) this.#countPending(name);
  }

  nodeClaimIs(claim: NodeClaim): void {
    const unit = claim.unit ?? this.#unitOfPool.get(claim.nodePool ?? "");
    if (unit === undefined) return;
    this.#remember(claim.name, unit);
    const { launched } = claim;
    if (launched === undefined) return;
    if (launched.status === "True") {
      if (this.#launched.has(claim.name)) return;
      this.#launched.add(claim.name);
      const at = this.#timeOf(launched.since);
      this.#launchedAt.set(unit, Math.max(at, this.#launchedAt.get(unit) ?? 0));
    } else if (!notLaunchedYet.includes(launched.reason)) {
      this.#saw(unit, {
        cause: "launch",
        source: `NodeClaim ${claim.name}`,
        message: `${launched.reason}: ${launched.message}`,
        at: this.#timeOf(launched.since),
      });
    }
  }

  nodeClaimIsGone(name: string): void {
    this.#launched.delete(name);
  }

  nodePoolIs(pool: NodePool): void {
    this.#nodePools.set(pool.name, pool);
  }

  nodePoolIsGone(name: string): void {
    this.#nodePools.delete(name);
  }

  karpenterSays({ kind, object, reason, message, at }: KarpenterEvent): void {
    const source = `${kind} ${object}`;
    const seenAt = this.#timeOf(at);
    if (kind === "NodeClaim" && reason === "InsufficientCapacityError") {
      const unit = this.#unitOfClaim.get(object) ?? this.#unitByName(object);
      if (unit === undefined) return;
      const cause = causeOf(message);
      const said = cause === "unknown" ? "echo" : cause;
      this.#saw(unit, { cause: said, source, message, at: seenAt });
    }
    if (kind === "NodePool" && reason === "NoCompatibleInstanceTypes") {
      const unit = this.#unitOfPool.get(object);
      if (unit !== undefined) this.#saw(unit, { cause: "echo", source, message, at: seenAt });
    }
  }

  podIs(pod: Pod): void {
    const pods = this.#pods.get(pod.unit) ?? new Map<string, Pod>();
    pods.set(pod.name, pod);
    this.#pods.set(pod.unit, pods);
    this.#countPending(pod.unit);
  }

  podIsGone({ unit, name }: Pick<Pod, "unit" | "name">): void {
    this.#pods.get(unit)?.delete(name);
    this.#countPending(unit);
  }

  deploymentIs(deployment: Deployment): void {
    this.#deployments.set(deployment.name, deployment);
  }

  deploymentIsGone(name: string): void {
    this.#deployments.delete(name);
  }

  /** The facts about a model that its route table names. */
  facts(table: ModelRouteTable, route: Route | undefined): ModelFacts {
    const pin = route?.pin;
    return {
      table,
      pin: pin?.mode === undefined ? undefined : { mode: pin.mode, reason: pin.reason },
      units: Object.fromEntries(
        Object.entries(table.units).map(([name, unit]) => [name, this.#unitFacts(name, unit)]),
      ),
      current: backendsOf(route),
    };
  }

  #unitFacts(name: string, unit: RoutedUnit): UnitFacts {
    const pods = [...(this.#pods.get(name)?.values() ?? [])];
    const servers = pods.filter(({ isProbe, state }) => !isProbe && state !== "ending");
    const pending = servers.filter((pod) => this.#wantsMachine(pod)).length;
    const pool = this.#nodePools.get(unit.nodePool);
    // A pool that is full refuses by itself: no machine was asked for, so there is no event.
    if (pending > 0 && pool !== undefined && isAtLimit(pool, unit.device))
      this.#saw(name, {
        cause: "limit",
        source: `NodePool ${unit.nodePool}`,
        message: `has all ${pool.limits[unit.device]!.limit} ${unit.device} that it may have`,
        at: this.#now(),
      });
    return {
      evidence: this.#evidence.get(name) ?? {},
      pending,
      pendingSince: this.#pendingSince.get(name),
      launchedAt: this.#launchedAt.get(name),
      ready: servers.filter(({ state }) => state === "ready").length,
      desired: this.#deployments.get(name)?.desired ?? servers.length,
      probe: this.#probeOf(unit, pods),
      ...(unit.capacityTypes === undefined ? {} : { capacityTypes: unit.capacityTypes }),
      ...(unit.emptyMachineSeconds === undefined
        ? {}
        : { emptyMachineSeconds: unit.emptyMachineSeconds }),
    };
  }

  #probeOf({ probe }: RoutedUnit, pods: readonly Pod[]): UnitFacts["probe"] {
    if (probe === undefined) return "absent";
    const probes = pods.filter(({ isProbe, state }) => isProbe && state !== "ending");
    if (probes.some(({ placed }) => placed)) return "running";
    const isWanted = (this.#deployments.get(probe)?.desired ?? 0) > 0;
    return isWanted || probes.length > 0 ? "waiting" : "off";
  }

  /** Whether a probe's Deployment asks for a pod; undefined: the Deployment is not known. */
  probeReplicas(probe: string): number | undefined {
    return this.#deployments.get(probe)?.desired;
  }

  #wantsMachine({ state, unit, devices }: Pod): boolean {
    const device = this.#deviceOf.get(unit);
    return state === "waiting" && device !== undefined && devices.includes(device);
  }

  #countPending(unit: string): void {
    const waiting = [...(this.#pods.get(unit)?.values() ?? [])].filter(
      (pod) => !pod.isProbe && this.#wantsMachine(pod),
    );
    if (waiting.length === 0) this.#pendingSince.delete(unit);
    else if (!this.#pendingSince.has(unit))
      this.#pendingSince.set(
        unit,
        Math.min(...waiting.map(({ waitingSince }) => this.#endOf(waitingSince))),
      );
  }

  #saw(unit: string, sighting: Sighting): void {
    const known = this.#evidence.get(unit) ?? {};
    const launchedAt = this.#launchedAt.get(unit);
    this.#evidence.set(unit, withSighting(known, sighting, this.#holdMs(), launchedAt));
  }

  #remember(claim: string, unit: string): void {
    this.#unitOfClaim.delete(claim);
    this.#unitOfClaim.set(claim, unit);
    const [oldest] = this.#unitOfClaim.keys();
    if (this.#unitOfClaim.size > rememberedClaims) this.#unitOfClaim.delete(oldest!);
  }

  /** A NodeClaim that was gone before it was seen has its NodePool's name and five characters more. */
  #unitByName(claim: string): string | undefined {
    return this.#unitOfPool.get(claim.slice(0, claim.lastIndexOf("-")));
  }

  /**
   * What happened before this began to look is told in any order, and as old as it says: a launch
   * must not become older than an error that it came after.
   */
  #timeOf(at: number | undefined): number {
    const now = this.#now();
    return at === undefined || (at >= this.#startedAt && now - at < liveMs) ? now : at;
  }

  /** The end of the second that is meant, so that nothing has waited for longer than it has. */
  #endOf(second: number | undefined): number {
    return Math.min(this.#now(), this.#timeOf(second) + 999);
  }
}
