import {
  FAILOVER_SETTINGS_CONFIG_MAP,
  type FailoverSettings,
  failoverSettingsSchema,
} from "../../contracts/failover";
import { PART_OF, STACK_LABEL } from "../../contracts/labels";
import { type ModelRouteTable, ROUTE_TABLES_CONFIG_MAP } from "../../contracts/routeTable";
import type { Log } from "../service/log";
import type { KubeApi } from "./cluster/api";
import { type Change, Reflector, type ReflectorOptions } from "./cluster/reflector";
import { readSettings, readTables } from "./configuration";
import { deployment } from "./observe/deployment";
import { karpenterEvent, karpenterEvents } from "./observe/karpenterEvent";
import { nodeClaim } from "./observe/nodeClaim";
import { nodePool } from "./observe/nodePool";
import { pod } from "./observe/pod";
import { type Route, route } from "./observe/route";
import { type ScaledObject, scaledObject } from "./observe/scaledObject";
import type { Observer } from "./observer";

export interface WatchesOptions {
  readonly namespace: string;
  /** Value of the label that this stack's machines carry. */
  readonly stack: string;
  readonly log: Log;
  /** Told when anything has changed. */
  readonly onChange: () => void;
  /** Told of each failure to list or watch, with what. */
  readonly onFailure: (what: string) => void;
}

/**
 * All that the controller watches, and the configuration among it. What is watched is told to an
 * observer, in an order that it can make sense of: units first, machines before events about them.
 */
export class Watches {
  readonly #api: KubeApi;
  readonly #observer: Observer;
  readonly #options: WatchesOptions;
  readonly #reflectors = new Map<
    string,
    Pick<Reflector<unknown>, "stop" | "lastContact" | "isSynced">
  >();
  #routes: Reflector<Route> | undefined;
  #scaledObjects: Reflector<ScaledObject> | undefined;
  #settings: FailoverSettings = failoverSettingsSchema.parse({});
  #tables: ReadonlyMap<string, ModelRouteTable> = new Map();
  #problems: ReadonlyMap<string, string> = new Map();
  #isStopped = false;
  #isSynced = false;

  constructor(api: KubeApi, observer: Observer, options: WatchesOptions) {
    this.#api = api;
    this.#observer = observer;
    this.#options = options;
  }

  /** The last good settings; defaults until there are any. */
  get settings(): FailoverSettings {
    return this.#settings;
  }

  /** The last good table of each model. */
  get tables(): ReadonlyMap<string, ModelRouteTable> {
    return this.#tables;
  }

  /** What is wrong with the configuration, by model, or under `settings`. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  route(model: string): Route | undefined {
    return this.#routes?.objects.get(`${this.#options.namespace}/${model}`);
  }

  scaledObject(unit: string): ScaledObject | undefined {
    return this.#scaledObjects?.objects.get(`${this.#options.namespace}/${unit}`);
  }

  /** Whether all has been listed once. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** What has not been listed yet, of what is watched so far. */
  get missing(): readonly string[] {
    return [...this.#reflectors].filter(([, { isSynced }]) => !isSynced).map(([what]) => what);
  }

  /** How long the watch that has heard least has heard nothing, milliseconds. */
  get silenceMs(): number {
    const contacts = [...this.#reflectors.values()].map(({ lastContact }) => lastContact ?? 0);
    return performance.now() - Math.min(...contacts);
  }

  /** Begins, and resolves when all has been listed once; what is pending when stopped stays so. */
  async start(): Promise<void> {
    const { namespace, stack } = this.#options;
    const observer = this.#observer;
    const core = `/api/v1/namespaces/${namespace}`;
    const ours = { labelSelector: `app.kubernetes.io/part-of=${PART_OF}` };
    const ofStack = { labelSelector: `${STACK_LABEL}=${stack}` };

    await Promise.all([
      this.#watch("settings", {
        path: `${core}/configmaps`,
        fieldSelector: `metadata.name=${FAILOVER_SETTINGS_CONFIG_MAP}`,
        project: readSettings,
        onChange: (change) => this.#settingsAre(change),
      }).synced,
      this.#watch("route-tables", {
        path: `${core}/configmaps`,
        fieldSelector: `metadata.name=${ROUTE_TABLES_CONFIG_MAP}`,
        project: readTables,
        onChange: (change) => this.#tablesAre(change),
      }).synced,
    ]);
    await Promise.all([
      this.#watch("nodeclaims", {
        path: "/apis/karpenter.sh/v1/nodeclaims",
        ...ofStack,
        project: nodeClaim,
        onChange: (change) =>
          change.kind === "deleted"
            ? observer.nodeClaimIsGone(change.object.name)
            : observer.nodeClaimIs(change.object),
      }).synced,
      this.#watch("nodepools", {
        path: "/apis/karpenter.sh/v1/nodepools",
        ...ours,
        project: nodePool,
        onChange: (change) =>
          change.kind === "deleted"
            ? observer.nodePoolIsGone(change.object.name)
            : observer.nodePoolIs(change.object),
      }).synced,
      this.#watch("deployments", {
        path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
        ...ours,
        project: deployment,
        onChange: (change) =>
          change.kind === "deleted"
            ? observer.deploymentIsGone(change.object.name)
            : observer.deploymentIs(change.object),
      }).synced,
      this.#watch("pods", {
        path: `${core}/pods`,
        ...ours,
        project: pod,
        onChange: (change) =>
          change.kind === "deleted"
            ? observer.podIsGone(change.object)
            : observer.podIs(change.object),
      }).synced,
    ]);
    this.#routes = this.#watch("httproutes", {
      path: `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`,
      ...ours,
      project: route,
    });
    this.#scaledObjects = this.#watch("scaledobjects", {
      path: `/apis/keda.sh/v1alpha1/namespaces/${namespace}/scaledobjects`,
      ...ours,
      project: scaledObject,
    });
    const events = this.#watch("events", {
      ...karpenterEvents,
      project: karpenterEvent,
      onChange: (change) => {
        if (change.kind !== "deleted") observer.karpenterSays(change.object);
      },
    });
    // Traffic does not wait for KEDA.
    await Promise.all([this.#routes.synced, events.synced]);
    this.#isSynced = true;
    this.#options.onChange();
  }

  stop(): void {
    this.#isStopped = true;
    for (const reflector of this.#reflectors.values()) reflector.stop();
  }

  #watch<T>(what: string, options: Omit<ReflectorOptions<T>, "log" | "onFailure">): Reflector<T> {
    const { log, onChange, onFailure } = this.#options;
    const reflector = new Reflector<T>(this.#api, {
      ...options,
      log,
      onChange: (change) => {
        options.onChange?.(change);
        onChange();
      },
      onFailure: () => onFailure(what),
    });
    this.#reflectors.set(what, reflector);
    return this.#isStopped ? reflector : reflector.start();
  }

  #settingsAre(change: Change<ReturnType<typeof readSettings>>): void {
    if (change.kind === "deleted") return;
    const { object: read } = change;
    if (read.problem === undefined) this.#settings = read.value;
    this.#problem("settings", read.problem);
  }

  #tablesAre(change: Change<ReturnType<typeof readTables>>): void {
    // Gone with the environment, or about to come again: the routes stay as they are.
    const isEmpty = change.kind === "deleted" || change.object.size === 0;
    this.#problem(ROUTE_TABLES_CONFIG_MAP, isEmpty ? "there are no route tables" : undefined);
    if (isEmpty) return;
    const tables = new Map<string, ModelRouteTable>();
    for (const [model, read] of change.object) {
      const table = read.problem === undefined ? read.value : this.#tables.get(model);
      if (table !== undefined) tables.set(model, table);
      this.#problem(model, read.problem);
    }
    this.#tables = tables;
    this.#observer.setUnits(
      Object.fromEntries([...tables.values()].flatMap(({ units }) => Object.entries(units))),
    );
  }

  #problem(of: string, problem: string | undefined): void {
    const problems = new Map(this.#problems);
    if (problem === undefined) problems.delete(of);
    else {
      problems.set(of, problem);
      this.#options.log.error(
        { of, problem },
        "the configuration is wrong; the last good one holds",
      );
    }
    this.#problems = problems;
  }
}
