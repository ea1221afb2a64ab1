import { KubeConfig } from "@kubernetes/client-node";
import { KubeApi } from "../../../../apps/failover-controller/cluster/api";
import { loadKubeConfig } from "../../../../apps/failover-controller/cluster/kubeConfig";

/** A client of a test's API server, of its own, as a controller would have it. */
export function apiOf({ kubeconfig }: { readonly kubeconfig: string }, timeoutMs = 5000): KubeApi {
  return new KubeApi(loadKubeConfig({ KUBECONFIG: kubeconfig }), { timeoutMs });
}

/** A client of a server that speaks plain HTTP, e.g. `http://127.0.0.1:8080`. */
export function plainApi(server: string, timeoutMs = 5000): KubeApi {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "test", server, skipTLSVerify: true }, { name: "test" });
  return new KubeApi(config, { timeoutMs });
}
