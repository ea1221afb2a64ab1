import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterReader, Unreachable } from "../../../cli/routes/clusterReader";
import { loadKubeconfig } from "../../../cli/routes/kubeconfig";
import { UserError } from "../../../contracts/userError";

/** A server whose certificate is for another name than the one it is asked by. */
describe("A cluster that is not the one of the kubeconfig", () => {
  const directory = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  const file = (name: string) => join(directory, name);
  let server: Server;

  before(async () => {
    const made = spawnSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=elsewhere.example", "-addext", "subjectAltName=DNS:elsewhere.example"],
      ...["-keyout", file("key.pem"), "-out", file("cert.pem"), "-days", "1"],
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(file(name)));
    server = createServer({ key, cert }, (_, response) => response.end("{}"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  async function ask(cluster: Record<string, string>): Promise<unknown> {
    const { port } = server.address() as AddressInfo;
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "dev",
      contexts: [{ name: "dev", context: { cluster: "dev", user: "me" } }],
      clusters: [{ name: "dev", cluster: { server: `https://127.0.0.1:${port}`, ...cluster } }],
      users: [{ name: "me", user: { token: "t" } }],
    };
    writeFileSync(file("config"), JSON.stringify(config));
    const reader = new ClusterReader(await loadKubeconfig({ kubeconfig: file("config") }));
    try {
      return await reader.get("/version");
    } catch (error) {
      return error;
    } finally {
      reader.close();
    }
  }

  it("is told by its certificate, of another authority or another name", async () => {
    const ownAuthority = { "certificate-authority": file("cert.pem") };
    for (const cluster of [{}, ownAuthority] as Record<string, string>[]) {
      const error = await ask(cluster);
      assert.ok(error instanceof UserError, String(error));
      assert.ok(!(error instanceof Unreachable), "asking again does not help");
      assert.match(error.message, /shows a certificate that is not the one the kubeconfig expects/);
      assert.match(error.message, /aws eks update-kubeconfig --region REGION --name CLUSTER/);
    }
    assert.deepEqual(await ask({ ...ownAuthority, "tls-server-name": "elsewhere.example" }), {});
  });

  it("is not looked for where there is no kubeconfig, and the way to one is named", async () => {
    await assert.rejects(
      loadKubeconfig({}, { HOME: file("nobody") }),
      /update-kubeconfig --region REGION .*\$\(pulumi stack output updateKubeconfig\)/,
    );
  });
});
