import {
  FAILOVER_CONTROLLER,
  FAILOVER_SETTINGS_CONFIG_MAP,
  FAILOVER_STATUS_CONFIG_MAP,
} from "../../contracts/failover";
import { PART_OF } from "../../contracts/labels";
import { ROUTE_TABLES_CONFIG_MAP } from "../../contracts/routeTable";
import type { ClusterReader } from "./clusterReader";

/** What the report is made of, as the cluster has it. */
export interface ClusterObjects {
  /** The cluster's clock, milliseconds since 1970. */
  readonly at: number;
  readonly routes: readonly unknown[];
  readonly scaledObjects: readonly unknown[];
  readonly deployments: readonly unknown[];
  /** ConfigMaps and the Lease; undefined: there is none. */
  readonly routeTables: unknown;
  readonly settings: unknown;
  readonly status: unknown;
  readonly lease: unknown;
}

/**
 * Reads all that a report needs.
 *
 * @throws UserError when the cluster cannot be reached or refuses
 */
export async function readCluster(
  reader: ClusterReader,
  namespace: string,
): Promise<ClusterObjects> {
  reader.renew();
  const within = `/namespaces/${encodeURIComponent(namespace)}`;
  const ours = { labelSelector: `app.kubernetes.io/part-of=${PART_OF}` };
  const configMap = (name: string) => reader.get(`/api/v1${within}/configmaps/${name}`);
  // Alone and first, so that a cluster that cannot be reached is complained of once.
  const routes = await reader.list(`/apis/gateway.networking.k8s.io/v1${within}/httproutes`, ours);
  const [scaledObjects, deployments, routeTables, settings, lease, status] = await Promise.all([
    reader.list(`/apis/keda.sh/v1alpha1${within}/scaledobjects`, ours),
    reader.list(`/apis/apps/v1${within}/deployments`, ours),
    configMap(ROUTE_TABLES_CONFIG_MAP),
    configMap(FAILOVER_SETTINGS_CONFIG_MAP),
    reader.get(`/apis/coordination.k8s.io/v1${within}/leases/${FAILOVER_CONTROLLER}`),
    configMap(FAILOVER_STATUS_CONFIG_MAP),
  ]);
  return {
    at: reader.at,
    routes,
    scaledObjects,
    deployments,
    routeTables,
    settings,
    lease,
    status,
  };
}
