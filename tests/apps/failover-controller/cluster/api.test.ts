import assert from "node:assert/strict";
import type { KubeApi } from "../../../../apps/failover-controller/cluster/api";
import {
  ApiError,
  isConflict,
  isNotFound,
  Unreachable,
} from "../../../../apps/failover-controller/cluster/apiError";
import type { KubeObject } from "../../../../apps/failover-controller/cluster/objects";
import { describeOnApiServer } from "../../../cluster/onApiServer";
import { apiOf, plainApi } from "./apiOf";
import {
  type Answer,
  hangUp,
  json,
  list,
  open,
  type ScriptedServer,
  scriptedServer,
  silent,
} from "./scriptedServer";

const maps = "/api/v1/namespaces/default/configmaps";

function configMap(name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

const things = {
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
        schema: {
          openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    ],
  },
};

describeOnApiServer(
  "The client of the API server",
  (server) => {
    let api: KubeApi;
    before(() => {
      api = apiOf(server());
    });
    after(() => api.close());

    it("owns by server-side apply the fields that it gives, and no others", async () => {
      const path = `${maps}/owned`;
      await api.apply(path, configMap("owned", { a: "1", b: "1" }), { fieldManager: "one" });
      await api.apply(path, configMap("owned", { c: "2" }), { fieldManager: "two" });
      const left = await api.apply(path, configMap("owned", { a: "2" }), { fieldManager: "one" });
      assert.deepEqual(left.data, { a: "2", c: "2" });
    });

    it("is refused with 409 what another owns, unless it forces", async () => {
      const path = `${maps}/contested`;
      await api.apply(path, configMap("contested", { a: "1" }), { fieldManager: "one" });
      const mine = configMap("contested", { a: "2" });
      await assert.rejects(api.apply(path, mine, { fieldManager: "two" }), (error) => {
        assert.ok(isConflict(error) && error instanceof ApiError);
        assert.equal(error.reason, "Conflict");
        assert.match(error.message, /conflict with "one".*\.data\.a/s);
        return true;
      });
      const taken = await api.apply(path, mine, { fieldManager: "two", force: true });
      assert.deepEqual(taken.data, { a: "2" });
    });

    it("keeps fields of kinds that it knows nothing of", async () => {
      await server().define([things]);
      const path = "/apis/example.com/v1/things/odd";
      const odd = {
        apiVersion: "example.com/v1",
        kind: "Thing",
        metadata: { name: "odd" },
        spec: { rules: [{ $ref: "x", "a/b": [[1, null]] }] },
      };
      await api.apply(path, odd, { fieldManager: "one" });
      assert.deepEqual((await api.get(path)).spec, odd.spec);
    });

    it("patches by merging, and removes by null", async () => {
      const path = `${maps}/merged`;
      await api.create(maps, configMap("merged", { a: "1", b: "1" }));
      const patched = await api.mergePatch(path, { data: { a: null, c: "1" } });
      assert.deepEqual(patched.data, { b: "1", c: "1" });
    });

    it("scales a Deployment", async () => {
      const deployments = "/apis/apps/v1/namespaces/default/deployments";
      const labels = { app: "scaled" };
      await api.create(deployments, {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "scaled" },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "a", image: "a" }] } },
        },
      });
      const scale = await api.patchScale(`${deployments}/scaled`, 1, { fieldManager: "one" });
      assert.equal(scale.kind, "Scale");
      const { spec } = await api.get<{ spec: { replicas: number } }>(`${deployments}/scaled`);
      assert.equal(spec.replicas, 1);
    });

    it("replaces an object only if nobody has written it since", async () => {
      const path = `${maps}/replaced`;
      const created = await api.create(maps, configMap("replaced", { a: "1" }));
      const second = await api.replace(path, { ...created, data: { a: "2" } });
      assert.deepEqual(second.data, { a: "2" });
      await assert.rejects(api.replace(path, { ...created, data: { a: "3" } }), isConflict);
    });

    it("says what is not there, and who may not", async () => {
      await assert.rejects(api.get(`${maps}/none`), isNotFound);
      await assert.rejects(
        api.create(maps, configMap("Not_A_Name", {})),
        (error) => error instanceof ApiError && error.status === 422 && error.reason === "Invalid",
      );
    });

    it("lists a thousand objects in pages of one point in time", async () => {
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "many" } };
      await api.create("/api/v1/namespaces", namespace);
      const path = "/api/v1/namespaces/many/configmaps";
      const names = Array.from({ length: 1000 }, (_, index) => `map-${index}`);
      for (let from = 0; from < names.length; from += 50)
        await Promise.all(
          names.slice(from, from + 50).map((name) => api.create(path, configMap(name, {}))),
        );
      const versions = new Set<string>();
      const sizes: number[] = [];
      for await (const { items, resourceVersion } of api.pages(path)) {
        versions.add(resourceVersion);
        sizes.push(items.length);
        // What comes meanwhile is not in it.
        if (sizes.length === 1) await api.create(path, configMap("zz-later", {}));
      }
      assert.deepEqual(sizes, [250, 250, 250, 250]);
      assert.equal(versions.size, 1);
      const listed = await api.list(path);
      assert.deepEqual(
        listed.map(({ metadata }) => metadata.name).sort(),
        [...names, "zz-later"].sort(),
      );
    });

    it("tells that a server is not there, and works when it is again", async () => {
      await server().stopApiServer();
      await assert.rejects(api.get(`${maps}/owned`), Unreachable);
      await server().startApiServer();
      assert.equal((await api.get(`${maps}/owned`)).metadata.name, "owned");
    });

    it("gives a server that hangs its deadline and no longer", async () => {
      const impatient = apiOf(server(), 300);
      await impatient.get(`${maps}/owned`);
      server().processes.signal("kube-apiserver", "SIGSTOP");
      try {
        let started = performance.now();
        const untilItHangs = async (): Promise<never> => {
          // A signal takes a moment.
          for (;;) {
            started = performance.now();
            await impatient.get(`${maps}/owned`);
          }
        };
        await assert.rejects(untilItHangs, (error) => {
          assert.ok(error instanceof Unreachable);
          assert.match(error.message, /GET .*owned: no answer within 300 ms/);
          return true;
        });
        assert.ok(performance.now() - started < 2000);
      } finally {
        server().processes.signal("kube-apiserver", "SIGCONT");
        impatient.close();
      }
      assert.equal((await api.get(`${maps}/owned`)).metadata.name, "owned");
    });
  },
  async () => ({ crds: [] }),
);

describe("The client of the API server, when the server misbehaves,", () => {
  let server: ScriptedServer;
  let api: KubeApi;

  async function serve(...answers: readonly Answer[]) {
    server = await scriptedServer(...answers);
    api = plainApi(server.address, 200);
  }

  afterEach(async () => {
    api.close();
    await server.close();
  });

  it("reads an error that is no Status", async () => {
    await serve((_request, response) => response.writeHead(502).end("<html>bad gateway</html>"));
    await assert.rejects(
      api.get("/api"),
      (error) =>
        error instanceof ApiError && error.status === 502 && /bad gateway/.test(error.message),
    );
  });

  it("takes half an answer, none, or no JSON for no answer", async () => {
    await serve(open('{"kind":'), hangUp, (_request, response) => response.end("{"), silent);
    for (let times = 0; times < 4; times++) await assert.rejects(api.get("/api"), Unreachable);
  });

  it("gives up at once when it is told to", async () => {
    await serve(silent);
    const stop = new AbortController();
    const started = performance.now();
    const asked = api.get("/api", { signal: stop.signal, timeoutMs: 5000 });
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(asked, Unreachable);
    await assert.rejects(api.get("/api", { signal: stop.signal }), Unreachable);
    assert.ok(performance.now() - started < 1000);
  });

  it("asks again when a connection that was idle is closed under it, but creates nothing twice", async () => {
    await serve(json({ kind: "first" }), hangUp, json({ kind: "second" }), hangUp, json({}));
    await api.get("/api");
    assert.equal((await api.get("/api")).kind, "second");
    await assert.rejects(api.create("/api", {}), Unreachable);
    assert.equal(server.urls.length, 4);
  });

  it("keeps one connection for request after request", async () => {
    const ports = new Set<number | undefined>();
    await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("{}");
    });
    for (let times = 0; times < 20; times++) await api.get("/api");
    assert.equal(ports.size, 1);
  });

  it("loses one deadline, not one for each idle connection, when all of them have died", async () => {
    const dying = new Set<unknown>();
    let isDead = false;
    await serve(({ socket }, response) => {
      if (isDead && dying.has(socket)) return;
      dying.add(socket);
      // Long enough for the others to need connections of their own.
      setTimeout(() => response.end("{}"), isDead ? 0 : 50);
    });
    await Promise.all(Array.from({ length: 5 }, () => api.get("/api")));
    assert.equal(dying.size, 5);
    isDead = true;
    await assert.rejects(api.get("/api"), Unreachable);
    await api.get("/api");
  });

  it("says that a list has expired halfway", async () => {
    const status = { kind: "Status", reason: "Expired", message: "too old", code: 410 };
    await serve(list("5", [{}], "more"), json(status, 410));
    await assert.rejects(
      api.list("/api/v1/pods"),
      (error) => error instanceof ApiError && error.status === 410 && error.reason === "Expired",
    );
    assert.deepEqual(server.urls, [
      "/api/v1/pods?limit=250",
      "/api/v1/pods?limit=250&continue=more",
    ]);
  });
});
