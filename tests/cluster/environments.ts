import { resolve } from "node:path";
import { makePlan, type Plan } from "../../cli/plan/makePlan";
import { readStackConfig, withAssignment } from "../../cli/plan/stackConfig";
import { project } from "../../cli/project";
import { planOf } from "../program/planned";
import { everythingOn } from "../python/python";

type Mode = "cost" | "capacity";

/** Environments by what they are called in a test's title, and their plan in a mode, made once. */
export const environments = {
  dev: once((mode) => planOf("dev", `mode=${mode}`)),
  prod: once((mode) => planOf("prod", `mode=${mode}`)),
  "prod with everything on": once(everything),
};

function once(plan: (mode: Mode) => Promise<Plan>): (mode: Mode) => Promise<Plan> {
  const plans = new Map<Mode, Promise<Plan>>();
  return (mode) => {
    const made = plans.get(mode) ?? plan(mode);
    plans.set(mode, made);
    return made;
  };
}

/** With an encrypted setting, too, which no assignment can make. */
function everything(mode: Mode): Promise<Plan> {
  const root = resolve(__dirname, "../..");
  const assignments = [...everythingOn, `mode=${mode}`, "units.sd21-g5-cuda.env.TOKEN=example"];
  const config = assignments.reduce(withAssignment, readStackConfig(root, "prod"));
  const secretKeys = new Set(["diffusion-fleet:units"]);
  return makePlan(project, "prod", { ...config, secretKeys });
}

/** The Kubernetes version of a plan's cluster. */
export function clusterVersion(plan: Plan): string {
  const cluster = plan.document.resources.find(({ type }) => type === "eks:index:Cluster");
  if (cluster === undefined) throw new Error("the plan has no cluster");
  return String(cluster.inputs.version);
}
