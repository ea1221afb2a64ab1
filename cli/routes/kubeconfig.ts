import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../contracts/userError";
import { nearest } from "../../stacks/config/nearest";

export interface KubeconfigOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * The cluster to look at, as kubectl finds it: by the file that is given, those that `KUBECONFIG`
 * names, `~/.kube/config`, or in a pod its service account.
 *
 * @throws UserError when there is none, it cannot be read, or has no such context
 */
export async function loadKubeconfig(
  { kubeconfig, context }: KubeconfigOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<KubeConfig> {
  const files = filesOf(kubeconfig, environment);
  // It takes most of a second to load, which no other command shall wait for.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (files.length === 0) config.loadFromCluster();
  for (const [index, file] of files.entries()) {
    const part = index === 0 ? config : new KubeConfig();
    try {
      part.loadFromFile(file);
      if (part !== config) config.mergeConfig(part);
    } catch (error) {
      throw new UserError(`The kubeconfig ${file} cannot be read: ${(error as Error).message}`);
    }
  }
  choose(config, context, files);
  return config;
}

function filesOf(given: string | undefined, { KUBECONFIG, HOME }: NodeJS.ProcessEnv): string[] {
  if (given !== undefined) {
    if (!existsSync(given)) throw new UserError(`There is no kubeconfig ${given}.`);
    return [given];
  }
  const named = (KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  if (named.length > 0) {
    // As kubectl does, which also writes new ones.
    const present = named.filter((file) => existsSync(file));
    if (present.length > 0) return present;
    throw new UserError(`There is no file ${named.join(" or ")}, which KUBECONFIG names.`);
  }
  const usual = join(HOME ?? homedir(), ".kube", "config");
  if (existsSync(usual)) return [usual];
  if (existsSync(SERVICE_ACCOUNT_TOKEN)) return [];
  throw new UserError(
    `There is no kubeconfig: ${usual} does not exist. Name one by --kubeconfig or KUBECONFIG, or ` +
      "make it: aws eks update-kubeconfig --region REGION --name CLUSTER, which beside Pulumi is " +
      "$(pulumi stack output updateKubeconfig)",
  );
}

function choose(config: KubeConfig, context: string | undefined, files: readonly string[]): void {
  const where = files.join(", ") || "the pod's service account";
  const known = config.getContexts().map(({ name }) => name);
  const choices = known.length === 0 ? "it has none" : `there are ${known.join(", ")}`;
  if (context !== undefined) {
    if (!known.includes(context)) {
      const near = nearest(context, known);
      const hint = near === undefined ? "" : ` Did you mean ${near}?`;
      throw new UserError(`${where} has no context "${context}": ${choices}.${hint}`);
    }
    config.setCurrentContext(context);
  }
  if (!config.getCurrentContext())
    throw new UserError(
      `${where} has no current context: name one by --context (${choices}), or choose it by ` +
        "`kubectl config use-context NAME`.",
    );
  if (config.getCurrentCluster() === null)
    throw new UserError(
      `The context "${config.getCurrentContext()}" of ${where} names a cluster that is not there: ` +
        `choose another by --context (${choices}).`,
    );
}
