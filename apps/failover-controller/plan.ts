import type { ModelRouteTable } from "../../contracts/routeTable";
import type { Decision } from "./decision";
import type { ModelFacts, ModelState } from "./modelState";
import type { Route } from "./observe/route";

/** A model in one round. */
export interface Plan {
  readonly table: ModelRouteTable;
  readonly route: Route | undefined;
  readonly facts: ModelFacts;
  readonly before: ModelState | undefined;
  readonly decision: Decision;
}
