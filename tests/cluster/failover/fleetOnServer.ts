import { CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import { KubeApi } from "../../../apps/failover-controller/cluster/api";
import { Reflector } from "../../../apps/failover-controller/cluster/reflector";
import { createLog } from "../../../apps/service/log";
import {
  FAILOVER_CONTROLLER,
  FAILOVER_STATUS_CONFIG_MAP,
  type ModelStatus,
  PROBE_LABEL,
} from "../../../contracts/failover";
import { UNIT_LABEL } from "../../../contracts/labels";
import {
  carriesTraffic,
  type ModelRouteTable,
  ROUTE_TABLES_CONFIG_MAP,
  type RouteRule,
} from "../../../contracts/routeTable";
import type { Planned } from "../../program/filled";
import type { KubernetesObject } from "../controlPlane/client";
import type { ControlPlane } from "../controlPlane/controlPlane";
import { hasSchema } from "../controlPlane/crds";
import { plannedObjects } from "../plannedObjects";
import { Machines } from "./machines";

/** An environment's objects on an API server, and what a test of fail-over wants to see of them. */
export class FleetOnServer {
  private constructor(
    readonly server: ControlPlane,
    readonly config: KubeConfig,
    readonly api: KubeApi,
    readonly objects: readonly KubernetesObject[],
    readonly namespace: string,
    readonly table: ModelRouteTable,
    readonly machines: Machines,
  ) {}

  /**
   * Applies all that a plan has for Kubernetes.
   *
   * @param now the time that whoever is not there lives in
   */
  static async of(
    server: ControlPlane,
    plan: Planned,
    now: () => number = Date.now,
  ): Promise<FleetOnServer> {
    const objects = plannedObjects(plan).filter(hasSchema);
    await server.apply(objects);
    const tables = objects.find(({ metadata }) => metadata.name === ROUTE_TABLES_CONFIG_MAP)!;
    const namespace = tables.metadata.namespace!;
    // The first model's, where there are several.
    const [first] = Object.values(tables.data as Record<string, string>);
    const table = JSON.parse(first!) as ModelRouteTable;
    const config = new KubeConfig();
    config.loadFromFile(server.kubeconfig);
    const deployments = new Map(
      objects
        .filter(({ kind, metadata }) => kind === "Deployment" && isOfUnit(metadata.labels))
        .map((object) => [object.metadata.name, object]),
    );
    const stack = environmentOf(objects, "STACK_LABEL_VALUE");
    const machines = new Machines(config, table, namespace, stack, deployments, now);
    return new FleetOnServer(
      server,
      config,
      new KubeApi(config),
      objects,
      namespace,
      table,
      machines,
    );
  }

  /** The environment variables that the program gives the controller. */
  environment(name: string): string {
    return environmentOf(this.objects, name);
  }

  /** How the controller reaches the server: with the rights that the program gives it. */
  async controllerConfig(): Promise<KubeConfig> {
    const { namespace } = this;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${FAILOVER_CONTROLLER}/token`;
    const { status } = (await this.api.create(path, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 3600 },
    })) as unknown as { readonly status: { readonly token: string } };
    const cluster = this.config.getCurrentCluster()!;
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [cluster],
      users: [{ name: FAILOVER_CONTROLLER, token: status.token }],
      contexts: [{ name: "controller", cluster: cluster.name, user: FAILOVER_CONTROLLER }],
      currentContext: "controller",
    });
    return config;
  }

  routePath(model = this.table.model): string {
    return `/apis/gateway.networking.k8s.io/v1/namespaces/${this.namespace}/httproutes/${model}`;
  }

  async deleteRoute(): Promise<void> {
    await this.config.makeApiClient(CustomObjectsApi).deleteNamespacedCustomObject({
      group: "gateway.networking.k8s.io",
      version: "v1",
      plural: "httproutes",
      namespace: this.namespace,
      name: this.table.model,
    });
  }

  /** The route as it is. */
  route(model?: string): Promise<KubernetesObject> {
    return this.api.get<KubernetesObject>(this.routePath(model));
  }

  /** Calls back with the rules of the route, each time that they have changed. @returns how to stop */
  watchRules(call: (rules: readonly RouteRule[]) => void): () => void {
    const reflector = new Reflector(this.api, {
      path: `/apis/gateway.networking.k8s.io/v1/namespaces/${this.namespace}/httproutes`,
      fieldSelector: `metadata.name=${this.table.model}`,
      project: ({ spec }) => (spec as { readonly rules: readonly RouteRule[] }).rules,
      onChange: ({ object }) => call(object),
      log: createLog("silent"),
    });
    reflector.start();
    return () => reflector.stop();
  }

  /** Weight by Service of the rule that carries traffic. */
  async weights(): Promise<Record<string, number>> {
    const { spec } = await this.route();
    const rule = (spec.rules as RouteRule[]).find(carriesTraffic)!;
    return Object.fromEntries(rule.backendRefs.map(({ name, weight }) => [name, weight]));
  }

  /** The present counter target of a unit. */
  async counterTarget(unit: string): Promise<number> {
    const path = `/apis/keda.sh/v1alpha1/namespaces/${this.namespace}/scaledobjects/${unit}`;
    const { spec } = await this.api.get<KubernetesObject>(path);
    return Number(spec.triggers[0].metadata.targetMetricValue);
  }

  /** What the controller says of the model; undefined: nothing yet. */
  async status(model = this.table.model): Promise<ModelStatus | undefined> {
    const path = `/api/v1/namespaces/${this.namespace}/configmaps/${FAILOVER_STATUS_CONFIG_MAP}`;
    const { data } = await this.api.get<KubernetesObject>(path);
    const text = data?.[`${model}.json`];
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** Reasons of the events on the model's route, the oldest first. */
  async events(): Promise<readonly string[]> {
    const events = await this.api.list<KubernetesObject>(
      `/api/v1/namespaces/${this.namespace}/events`,
      { fieldSelector: "involvedObject.kind=HTTPRoute" },
    );
    return events
      .sort((a, b) => String(a.eventTime).localeCompare(String(b.eventTime)))
      .map(({ reason }) => String(reason));
  }

  get costWeights(): Record<string, number> {
    return weightsOf(this.table, "cost");
  }

  get capacityWeights(): Record<string, number> {
    return weightsOf(this.table, "capacity");
  }
}

function weightsOf(table: ModelRouteTable, mode: "cost" | "capacity"): Record<string, number> {
  return Object.fromEntries(
    table.modes[mode].backends.map(({ service, weight }) => [service, weight]),
  );
}

function isOfUnit(labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels !== undefined && (UNIT_LABEL in labels || PROBE_LABEL in labels);
}

function environmentOf(objects: readonly KubernetesObject[], name: string): string {
  const controller = objects.find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === FAILOVER_CONTROLLER,
  );
  const [container] = controller?.spec.template.spec.containers ?? [];
  const found = container?.env.find((each: { name: string }) => each.name === name);
  if (found?.value === undefined) throw new Error(`the controller is not given ${name}`);
  return found.value;
}
