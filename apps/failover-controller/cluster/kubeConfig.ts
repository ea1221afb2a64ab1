import { existsSync } from "node:fs";
import { type Cluster, KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../../contracts/userError";
import { ServiceAccountToken } from "./serviceAccountToken";

const TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * How the cluster is reached: by the file that `KUBECONFIG` names; else, in a pod, as its service
 * account; else by `~/.kube/config`.
 *
 * @param root where a pod's files are, for tests
 * @throws UserError when there is none of them, or it cannot be used
 */
export function loadKubeConfig(env: NodeJS.ProcessEnv = process.env, root = ""): KubeConfig {
  const isPod = env.KUBERNETES_SERVICE_HOST && existsSync(`${root}${TOKEN_FILE}`);
  if (isPod && !env.KUBECONFIG) return ofServiceAccount(root);
  return ofFile(env.KUBECONFIG || `${env.HOME ?? ""}/.kube/config`);
}

function ofServiceAccount(root: string): KubeConfig {
  const config = new KubeConfig();
  config.addAuthenticator(new ServiceAccountToken(`${root}${TOKEN_FILE}`));
  config.loadFromCluster(root);
  const { authProvider } = ServiceAccountToken;
  config.loadFromClusterAndUser(config.getCurrentCluster() as Cluster, {
    name: "pod",
    authProvider,
  });
  return config;
}

function ofFile(file: string): KubeConfig {
  if (!existsSync(file))
    throw new UserError(
      `there is no kubeconfig ${file}: run in a pod that has a service account, or set KUBECONFIG to a file`,
    );
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw new UserError(`the kubeconfig ${file} cannot be read: ${(error as Error).message}`);
  }
  if (config.getCurrentCluster() === null)
    throw new UserError(
      `the kubeconfig ${file} has no current context: choose one with \`kubectl config use-context NAME\``,
    );
  return config;
}
