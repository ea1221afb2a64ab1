import {
  FAILOVER_FIELD_MANAGER,
  FAILOVER_STATUS_CONFIG_MAP,
  type ModelStatus,
} from "../../contracts/failover";
import { labels } from "../../contracts/labels";
import type { RouteRule, Trigger } from "../../contracts/routeTable";
import type { KubeApi } from "./cluster/api";
import type { Notice } from "./notice";
import { count } from "./observe/field";
import type { Route } from "./observe/route";
import type { ScaledObject } from "./observe/scaledObject";

/** Writes to the cluster what has been decided. Everything rejects as `KubeApi` does. */
export class FleetWriter {
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #pod: string;

  /** @param pod name of the controller's own, which events name as their source */
  constructor(api: KubeApi, { namespace, pod }: { namespace: string; pod: string }) {
    this.#api = api;
    this.#namespace = namespace;
    this.#pod = pod;
  }

  /**
   * The whole of `spec.rules`. The uid keeps a route that has gone from being made again.
   *
   * @returns the generation of the route that has them
   */
  rules({ name, uid }: Route, rules: readonly RouteRule[]): Promise<number> {
    return this.#applySpec("gateway.networking.k8s.io/v1", "HTTPRoute", { name, uid }, { rules });
  }

  /** The whole of `spec.triggers`; as `rules`. */
  triggers({ name, uid }: ScaledObject, triggers: readonly Trigger[]): Promise<number> {
    return this.#applySpec("keda.sh/v1alpha1", "ScaledObject", { name, uid }, { triggers });
  }

  async probe(deployment: string, replicas: 0 | 1): Promise<void> {
    const path = `${this.#folder("apps/v1")}/deployments/${deployment}`;
    await this.#api.patchScale(path, replicas, { fieldManager: FAILOVER_FIELD_MANAGER });
  }

  /** All models' statuses; those of models that are no more go. */
  async status(statuses: readonly ModelStatus[], timeoutMs: number): Promise<void> {
    const name = FAILOVER_STATUS_CONFIG_MAP;
    await this.#api.apply(
      `${this.#folder("v1")}/configmaps/${name}`,
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace: this.#namespace },
        data: Object.fromEntries(
          statuses.map((status) => [`${status.model}.json`, JSON.stringify(status, null, 2)]),
        ),
      },
      { fieldManager: FAILOVER_FIELD_MANAGER, force: true, timeoutMs },
    );
  }

  /** The status ConfigMap as it is. */
  readStatus(): Promise<unknown> {
    return this.#api.get(`${this.#folder("v1")}/configmaps/${FAILOVER_STATUS_CONFIG_MAP}`);
  }

  async event(route: Route, notice: Notice, at: number): Promise<void> {
    const time = new Date(at).toISOString();
    await this.#api.create(`${this.#folder("v1")}/events`, {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${route.name}.${at.toString(16)}${Math.random().toString(16).slice(2, 8)}`,
        namespace: this.#namespace,
        labels: labels(FAILOVER_FIELD_MANAGER),
      },
      involvedObject: {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        name: route.name,
        namespace: this.#namespace,
        uid: route.uid,
      },
      ...notice,
      message: notice.message.slice(0, 1024),
      eventTime: time.replace("Z", "000Z"),
      action: notice.reason,
      reportingComponent: "diffusion-fleet.io/failover-controller",
      reportingInstance: this.#pod,
    });
  }

  async #applySpec(
    apiVersion: string,
    kind: string,
    { name, uid }: { readonly name: string; readonly uid: string },
    spec: Readonly<Record<string, unknown>>,
  ): Promise<number> {
    const object = await this.#api.apply(
      `${this.#folder(apiVersion)}/${kind.toLowerCase()}s/${name}`,
      { apiVersion, kind, metadata: { name, namespace: this.#namespace, uid }, spec },
      { fieldManager: FAILOVER_FIELD_MANAGER, force: true },
    );
    return count(object, "metadata.generation") ?? 0;
  }

  #folder(apiVersion: string): string {
    const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    return `${group}/namespaces/${this.#namespace}`;
  }
}
