import { evaluatePolicies } from "./plan/policies";
import type { Project } from "./plan/project";
import { unjudged } from "./program";

/** What the command line works on; a test puts a file of its own in this one's place. */
export const project: Project = { ...unjudged, evaluate: evaluatePolicies };
