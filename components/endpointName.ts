import { sagemakerEndpoint } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

/**
 * Physical name of the endpoint that a component called `name` makes, known before it exists:
 * clients, policies, metrics and its log group go by it. An inference component's is made alike.
 */
export function endpointNameIn(scope: Pick<Scope, "project" | "stack">, name: string): string {
  return nameIn(scope, name, sagemakerEndpoint);
}
