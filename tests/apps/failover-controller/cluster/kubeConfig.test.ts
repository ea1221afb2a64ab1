import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKubeConfig } from "../../../../apps/failover-controller/cluster/kubeConfig";
import { ServiceAccountToken } from "../../../../apps/failover-controller/cluster/serviceAccountToken";
import { UserError } from "../../../../contracts/userError";

const KUBECONFIG = `
apiVersion: v1
kind: Config
clusters: [{ name: a, cluster: { server: "https://a.example.com" } }]
users: [{ name: a, user: { token: hush } }]
contexts: [{ name: a, context: { cluster: a, user: a } }]
`;

describe("How the cluster is reached", () => {
  let folder: string;
  let token: string;
  const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT } = process.env;
  const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-kubeconfig-"));
    const account = join(folder, "var/run/secrets/kubernetes.io/serviceaccount");
    mkdirSync(account, { recursive: true });
    token = join(account, "token");
    writeFileSync(token, "first\n");
    writeFileSync(join(account, "ca.crt"), "CA");
    // client-node reads these itself.
    Object.assign(process.env, pod);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const [name, value] of Object.entries({
      KUBERNETES_SERVICE_HOST,
      KUBERNETES_SERVICE_PORT,
    }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });

  const write = (content: string) => {
    const file = join(folder, "config");
    writeFileSync(file, content);
    return file;
  };

  it("is in a pod by its service account", async () => {
    const config = loadKubeConfig(pod, folder);
    assert.equal(config.getCurrentCluster()?.server, "https://10.0.0.1:443");
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    assert.deepEqual(options.headers, { Authorization: "Bearer first" });
    assert.equal(String(options.ca), "CA");
  });

  it("is by KUBECONFIG wherever that is set", () => {
    const config = loadKubeConfig({ ...pod, KUBECONFIG: write(`${KUBECONFIG}current-context: a`) });
    assert.equal(config.getCurrentCluster()?.server, "https://a.example.com");
  });

  it("is with a token that is read again, whatever the wall clock says", async () => {
    const authenticator = new ServiceAccountToken(token, 50);
    const header = async () => {
      const options: RequestOptions = { headers: { other: "1" } };
      await authenticator.applyAuthentication({ name: "pod" }, options);
      return (options.headers as Record<string, string>).Authorization;
    };
    assert.equal(await header(), "Bearer first");
    writeFileSync(token, "second");
    assert.equal(await header(), "Bearer first");
    const { now } = Date;
    try {
      Date.now = () => 0;
      await new Promise((later) => setTimeout(later, 60));
      assert.equal(await header(), "Bearer second");
    } finally {
      Date.now = now;
    }
  });

  it("is said to be unknown, and what to do", () => {
    const message = (env: NodeJS.ProcessEnv) => {
      try {
        loadKubeConfig(env);
      } catch (error) {
        assert.ok(error instanceof UserError);
        return error.message;
      }
      return undefined;
    };
    assert.match(
      message({ HOME: "/nowhere" }) ?? "",
      /there is no kubeconfig \/nowhere\/\.kube\/config/,
    );
    assert.match(message({ KUBECONFIG: "/no/file" }) ?? "", /there is no kubeconfig \/no\/file/);
    for (const content of ["", "a: [", "null", "7"])
      assert.match(
        message({ KUBECONFIG: write(content) }) ?? "",
        /cannot be read|no current/,
        content,
      );
    assert.match(message({ KUBECONFIG: write(KUBECONFIG) }) ?? "", /has no current context/);
  });
});
