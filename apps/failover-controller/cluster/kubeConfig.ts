import { existsSync } from "node:fs";
import { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../../contracts/userError";

const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * How the cluster is reached: by the file that `KUBECONFIG` names; else, in a pod, as its service
 * account; else by `~/.kube/config`.
 *
 * @throws UserError when there is none of them
 */
export function loadKubeConfig(env: NodeJS.ProcessEnv = process.env): KubeConfig {
  const config = new KubeConfig();
  if (env.KUBECONFIG) config.loadFromFile(existing(env.KUBECONFIG));
  else if (env.KUBERNETES_SERVICE_HOST && existsSync(SERVICE_ACCOUNT_TOKEN))
    config.loadFromCluster();
  else config.loadFromFile(existing(`${env.HOME ?? ""}/.kube/config`));
  if (config.getCurrentCluster() === null)
    throw new UserError(
      "the kubeconfig has no current context: choose one with `kubectl config use-context NAME`",
    );
  return config;
}

function existing(file: string): string {
  if (existsSync(file)) return file;
  throw new UserError(
    `there is no kubeconfig ${file}: run in a pod that has a service account, or set KUBECONFIG to a file`,
  );
}
