import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import {
  type Access,
  KubernetesClient,
  type KubernetesObject,
  Refusal,
} from "./controlPlane/client";
import { type ControlPlane, startControlPlane } from "./controlPlane/controlPlane";
import { describeOnApiServer } from "./onApiServer";

const namespace: KubernetesObject = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "of-a-test" },
};

/** What a kubeconfig's user would connect with. */
function accessFrom(kubeconfig: string): Access {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8"));
  const { server, "certificate-authority-data": authority } = clusters[0].cluster;
  const certificateAuthority = Buffer.from(authority, "base64").toString();
  return { server, certificateAuthority, token: users[0].user.token };
}

async function isListening(server: string): Promise<boolean> {
  const socket = connect(Number(new URL(server).port), "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await holds()); ) {
    assert.ok(Date.now() < deadline, `in 20 s: ${what}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}

/** A process that starts a control plane, says where, and then waits to be ended. */
const STARTER = `
const { startControlPlane } = require(${JSON.stringify(resolve(__dirname, "controlPlane/controlPlane"))});
startControlPlane({ crds: [] }).then(({ kubeconfig }) => {
  console.log(kubeconfig);
  setInterval(() => {}, 1000);
});`;

describeOnApiServer(
  "A control plane",
  (server) => {
    const others: ControlPlane[] = [];

    const another = async () => {
      const started = await startControlPlane({ crds: [] });
      others.push(started);
      return started;
    };

    afterEach(() => Promise.all(others.splice(0).map((other) => other.stop())));

    it("is reached by its kubeconfig, whose authority vouches for it", async () => {
      const client = new KubernetesClient(accessFrom(server().kubeconfig));
      assert.equal(await client.get("/readyz"), "ok");
      client.close();
    });

    it("lets nobody in without its token", async () => {
      const client = new KubernetesClient({ ...accessFrom(server().kubeconfig), token: "guessed" });
      await assert.rejects(
        client.get("/api/v1/namespaces"),
        (error) => error instanceof Refusal && error.status === 401,
      );
      client.close();
    });

    it("takes a kind that a CRD defines as soon as it is said to", async () => {
      const crd: KubernetesObject = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "things.example.com" },
        spec: {
          group: "example.com",
          scope: "Cluster",
          names: { plural: "things", kind: "Thing" },
          versions: [
            {
              name: "v1",
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: "object" } },
            },
          ],
        },
      };
      await server().define([crd]);
      const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "one" } };
      await server().apply([thing]);
      assert.equal((await server().client.read(thing)).metadata.name, "one");
    });

    it("passes the server's warnings on", async () => {
      const labels = { "pod-security.kubernetes.io/warn": "restricted" };
      await server().apply([{ ...namespace, metadata: { ...namespace.metadata, labels } }]);
      const app = { app: "any" };
      const template = {
        metadata: { labels: app },
        spec: { containers: [{ name: "any", image: "any" }] },
      };
      const [accepted] = await server().apply([
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "any", namespace: namespace.metadata.name },
          spec: { selector: { matchLabels: app }, template },
        },
      ]);
      assert.match(accepted!.warnings.join(), /^would violate PodSecurity "restricted:latest"/);
    });

    it("shares nothing with one beside it", async () => {
      const [one, two] = await Promise.all([another(), another()]);
      await one.apply([namespace]);
      await assert.rejects(
        two.client.read(namespace),
        (error) => error instanceof Refusal && error.reason === "NotFound",
      );
    });

    it("leaves neither process nor file when it is stopped", async () => {
      const { kubeconfig, stop } = await startControlPlane({ crds: [] });
      const access = accessFrom(kubeconfig);
      assert.ok(await isListening(access.server));
      await stop();
      assert.ok(!(await isListening(access.server)));
      assert.ok(!existsSync(dirname(kubeconfig)));
    });

    for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const)
      it(`goes with the process that started it, ended by ${signal}`, async () => {
        const register = ["--require", "ts-node/register/transpile-only"];
        const starter = spawn(process.execPath, [...register, "--eval", STARTER], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        const [line] = (await once(starter.stdout, "data")) as [Buffer];
        const kubeconfig = line.toString().trim();
        const { server: address } = accessFrom(kubeconfig);
        assert.ok(await isListening(address));
        starter.kill(signal);
        await eventually("it is gone", async () => !(await isListening(address)));
        await eventually("its folder is removed", () => !existsSync(dirname(kubeconfig)));
      });
  },
  async () => ({ crds: [] }),
);
