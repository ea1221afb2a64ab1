import type { z } from "zod";
import {
  FAILOVER_STATUS_CONFIG_MAP,
  type ModelStatus,
  modelStatusSchema,
} from "../../contracts/failover";
import {
  type ModelRouteTable,
  modelRouteTableSchema,
  ROUTE_TABLES_CONFIG_MAP,
} from "../../contracts/routeTable";
import { UserError } from "../../contracts/userError";
import { nearest } from "../../stacks/config/nearest";
import type { ClusterObjects } from "./clusterObjects";
import { type FailoverReport, failoverReport } from "./failoverReport";
import { liveData, liveDeployment, liveRoute, liveTarget, parsed } from "./liveObjects";
import { type ModelReport, modelReport } from "./modelReport";

/** Which cluster is looked at, and where in it. */
export interface Place {
  readonly context: string;
  readonly server: string;
  readonly namespace: string;
}

/** Where a cluster sends its traffic, and why. */
export interface RoutesReport extends Place {
  /** The cluster's clock, ISO 8601. */
  readonly at: string;
  readonly failover: FailoverReport;
  readonly models: readonly ModelReport[];
}

/**
 * What a cluster's objects say together.
 *
 * @param model this one only
 * @throws UserError when there is no such model, or none at all
 */
export function routesReport(place: Place, objects: ClusterObjects, model?: string): RoutesReport {
  const failover = failoverReport(objects);
  const routes = new Map(
    objects.routes
      .map(liveRoute)
      .flatMap((route) => (route === undefined ? [] : [[route.model, route] as const])),
  );
  const tables = liveData(objects.routeTables);
  const statuses = liveData(objects.status);
  const targets = new Map(objects.scaledObjects.map(liveTarget).filter((it) => it !== undefined));
  const deployments = new Map(
    objects.deployments
      .map(liveDeployment)
      .flatMap((it) => (it === undefined ? [] : [[it.name, it] as const])),
  );
  const models = chosen([...routes.keys(), ...Object.keys(tables).map(modelOf)], model, place);
  return {
    ...place,
    at: new Date(objects.at).toISOString(),
    failover,
    models: models.map((name) => {
      const table = entry(ROUTE_TABLES_CONFIG_MAP, tables, name, modelRouteTableSchema);
      const status = entry(FAILOVER_STATUS_CONFIG_MAP, statuses, name, modelStatusSchema);
      const hasTable = `${name}.json` in tables;
      return modelReport({
        model: name,
        route: routes.get(name),
        table: table.value as ModelRouteTable | undefined,
        status: status.value as ModelStatus | undefined,
        failover,
        targets,
        deployments,
        mistakes: [
          ...(hasTable ? table.mistakes : [`The ConfigMap ${ROUTE_TABLES_CONFIG_MAP} lacks it.`]),
          ...status.mistakes,
        ],
      });
    }),
  };
}

/** A report without what changes by itself: two are the same when nothing has happened between. */
export function essence(report: RoutesReport): string {
  const passing = ["at", "renewedAt", "lastSeen"];
  return JSON.stringify(report, (key, value) => (passing.includes(key) ? undefined : value));
}

function modelOf(key: string): string {
  return key.replace(/\.json$/, "");
}

function chosen(
  found: readonly string[],
  model: string | undefined,
  { context, server, namespace }: Place,
): readonly string[] {
  const names = [...new Set(found)].sort();
  const where = `namespace ${namespace} of context "${context}", ${server}`;
  if (names.length === 0)
    throw new UserError(
      `There is no model in ${where}. Is it the stack's namespace (config key namespace; ` +
        "--namespace), and has `pulumi up` made the routes?",
    );
  if (model === undefined) return names;
  if (names.includes(model)) return [model];
  const near = nearest(model, names);
  throw new UserError(
    `There is no model "${model}" in ${where}; there is ${names.join(", ")}.` +
      (near === undefined ? "" : ` Did you mean ${near}?`),
  );
}

function entry<T>(
  configMap: string,
  data: Readonly<Record<string, string>>,
  model: string,
  schema: z.ZodType<T>,
): { readonly value: T | undefined; readonly mistakes: readonly string[] } {
  const text = data[`${model}.json`];
  if (text === undefined) return { value: undefined, mistakes: [] };
  const result = parsed(text, schema);
  if ("value" in result) return { value: result.value, mistakes: [] };
  const mistake = `${model}.json in the ConfigMap ${configMap} cannot be read: ${result.mistake}`;
  return { value: undefined, mistakes: [mistake] };
}
