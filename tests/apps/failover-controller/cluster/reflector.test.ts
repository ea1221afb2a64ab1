import assert from "node:assert/strict";
import { Writable } from "node:stream";
import type { KubeApi } from "../../../../apps/failover-controller/cluster/api";
import type { KubeObject } from "../../../../apps/failover-controller/cluster/objects";
import {
  type Change,
  Reflector,
  type ReflectorOptions,
} from "../../../../apps/failover-controller/cluster/reflector";
import { createLog } from "../../../../apps/service/log";
import { eventually } from "../../../cluster/eventually";
import { describeOnApiServer } from "../../../cluster/onApiServer";
import { apiOf, plainApi } from "./apiOf";
import {
  type Answer,
  ended,
  event,
  hangUp,
  json,
  list,
  open,
  type ScriptedServer,
  scriptedServer,
  silent,
} from "./scriptedServer";

/** What the reflectors under test keep of a ConfigMap. */
interface Kept {
  readonly value: string;
}

const project = ({ data }: KubeObject): Kept | undefined => {
  const { value } = (data ?? {}) as { value?: string };
  if (value === "throw") throw new Error("no such value");
  return value === undefined || value === "ignore" ? undefined : { value };
};

function mapOf(name: string, value: string): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } };
}

/** A change in a word, e.g. `added default/a=1`. */
function told({ kind, key, object }: Change<Kept>): string {
  return `${kind} ${key}=${object.value}`;
}

/** A reflector, what it tells, and the lines that it logs. */
function reflectorOf(api: KubeApi, path: string, more: Partial<ReflectorOptions<Kept>> = {}) {
  const changes: string[] = [];
  const lines: { level: string; message: string }[] = [];
  let lists = 0;
  const stream = new Writable({
    write: (line, _encoding, done) => {
      lines.push(JSON.parse(line.toString()));
      done();
    },
  });
  const reflector = new Reflector<Kept>(api, {
    path,
    project,
    onChange: (change) => changes.push(told(change)),
    onList: () => lists++,
    log: createLog("info", {}, stream),
    ...more,
  });
  return { reflector, changes, lines, lists: () => lists };
}

describeOnApiServer(
  "A reflector",
  (server) => {
    let api: KubeApi;
    let path: string;
    let count = 0;
    const started: Reflector<Kept>[] = [];

    before(() => {
      api = apiOf(server());
    });
    after(() => api.close());

    beforeEach(async () => {
      const name = `n${count++}`;
      await api.create("/api/v1/namespaces", { kind: "Namespace", metadata: { name } });
      path = `/api/v1/namespaces/${name}/configmaps`;
    });

    afterEach(() => {
      for (const reflector of started.splice(0)) reflector.stop();
    });

    const set = (name: string, value: string) =>
      api.apply(`${path}/${name}`, mapOf(name, value), { fieldManager: "test" });

    /** There is no `delete` in the client, since the controller deletes nothing. */
    const remove = async (name: string) => {
      const { server: address } = api.config.getCurrentCluster() as { server: string };
      const { token } = api.config.getCurrentUser() as { token: string };
      const { request } = await import("node:https");
      await new Promise<void>((resolve, reject) =>
        request(
          `${address}${path}/${name}`,
          {
            method: "DELETE",
            headers: { Authorization: `Bearer ${token}` },
            rejectUnauthorized: false,
          },
          (response) => response.resume().on("end", resolve),
        )
          .on("error", reject)
          .end(),
      );
    };

    async function reflect(more: Partial<ReflectorOptions<Kept>> = {}) {
      const all = reflectorOf(api, path, more);
      started.push(all.reflector.start());
      await all.reflector.synced;
      return all;
    }

    const namespaced = (text: string) => text.replaceAll("/", `${path.split("/")[4]}/`);

    it("has what is there, and sees what is added, changed and deleted", async () => {
      await set("a", "1");
      const { reflector, changes } = await reflect();
      assert.ok(reflector.isSynced);
      assert.equal(reflector.objects.size, 1);
      await set("b", "1");
      await set("a", "2");
      await remove("b");
      const expected = ["added /a=1", "added /b=1", "updated /a=2", "deleted /b=1"].map(namespaced);
      await eventually("four changes", () => changes.length >= 4);
      assert.deepEqual(changes, expected);
      assert.deepEqual([...reflector.objects.values()], [{ value: "2" }]);
    });

    it("sees a change within a tenth of a second", async () => {
      const { changes } = await reflect();
      const tookMs: number[] = [];
      for (let value = 0; value < 21; value++) {
        const start = performance.now();
        await set("a", String(value));
        await eventually("it is seen", () => changes.length === value + 1);
        tookMs.push(performance.now() - start);
      }
      assert.ok((tookMs.sort((a, b) => a - b)[10] as number) < 100, String(tookMs));
    });

    it("tells only of changes in what is kept", async () => {
      await set("a", "1");
      const { changes } = await reflect();
      await api.mergePatch(`${path}/a`, { metadata: { labels: { other: "label" } } });
      await set("b", "ignore");
      await set("a", "ignore");
      await set("a", "3");
      await eventually("three changes", () => changes.length >= 3);
      assert.deepEqual(changes, ["added /a=1", "deleted /a=1", "added /a=3"].map(namespaced));
    });

    it("sees only what its selectors select", async () => {
      await set("a", "1");
      const { changes } = await reflect({ fieldSelector: "metadata.name=b" });
      await set("b", "1");
      await eventually("one change", () => changes.length >= 1);
      assert.deepEqual(changes, [namespaced("added /b=1")]);
      await assert.doesNotReject(reflect({ labelSelector: "a in (b)" }));
    });

    it("goes on when the API server was killed and has come back", async () => {
      await set("a", "1");
      await set("b", "1");
      const { reflector, changes } = await reflect();
      await server().stopApiServer();
      await eventually("it fails", () => reflector.failures >= 2);
      assert.equal(reflector.objects.size, 2, "what is known stays known");
      await server().startApiServer();
      await set("a", "2");
      await eventually("it is seen", () => changes.length >= 3);
      await remove("b");
      await eventually("that, too", () => changes.length >= 4);
      assert.deepEqual(
        changes.slice(2),
        ["updated /a=2", "deleted /b=1"].map((text) => namespaced(text)),
      );
      await eventually("all is well", () => reflector.failures === 0);
    });

    it("tells what has changed while it could not see, also when the server has forgotten", async () => {
      await set("a", "1");
      await set("b", "1");
      // A client of its own, which loses the server while others still see it.
      const alone = apiOf(server());
      const all = reflectorOf(alone, path, { watchSeconds: [1, 1] });
      started.push(all.reflector.start());
      await all.reflector.synced;
      const cluster = alone.config.getCurrentCluster() as { server: string };
      const { server: address } = cluster;
      Object.assign(cluster, { server: "https://127.0.0.1:1" });
      await eventually("it fails", () => all.reflector.failures >= 1);
      await set("a", "2");
      await set("c", "1");
      await remove("b");
      await compact();
      // With what it remembers gone, too.
      await server().stopApiServer();
      await server().startApiServer();
      Object.assign(cluster, { server: address });
      await eventually("three changes", () => all.changes.length >= 5);
      assert.deepEqual(
        all.changes.slice(2).sort(),
        ["added /c=1", "deleted /b=1", "updated /a=2"].map(namespaced),
      );
      assert.ok(all.lists() >= 2);
      alone.close();
    });

    /** Has etcd forget all but the present. */
    async function compact() {
      const call = async (at: string, body: object) => {
        const response = await fetch(`${server().etcd}/v3/kv/${at}`, {
          method: "POST",
          body: JSON.stringify(body),
        });
        return (await response.json()) as { header: { revision: string } };
      };
      const { header } = await call("range", { key: "YQ==" });
      await call("compaction", { revision: header.revision, physical: true });
    }

    it("loses nothing over many watches, each of which the server ends", async () => {
      const { changes, lists, lines } = await reflect({ watchSeconds: [1, 1] });
      for (let value = 0; value < 60; value++) {
        await set("a", String(value));
        await new Promise((next) => setTimeout(next, 60));
      }
      await eventually("the last one is seen", () => changes.length >= 60);
      assert.deepEqual(
        changes.map((text) => Number(text.split("=")[1])),
        Array.from({ length: 60 }, (_, index) => index),
      );
      assert.equal(lists(), 1);
      assert.deepEqual(lines, []);
    });

    it("hears of the server, and lists once, when nothing happens to its objects", async () => {
      const { reflector, changes, lists } = await reflect({ watchSeconds: [3, 3] });
      for (let times = 0; times < 7; times++) {
        await api.create("/api/v1/namespaces/default/configmaps", {
          metadata: { generateName: "other-" },
        });
        await new Promise((next) => setTimeout(next, 1000));
      }
      assert.ok(performance.now() - (reflector.lastContact as number) < 4000);
      await set("a", "1");
      await eventually("it is seen", () => changes.length === 1);
      assert.equal(lists(), 1);
    });

    it("notices a connection over which nothing comes any more, and goes on", async () => {
      const { reflector, changes, lists } = await reflect({
        watchSeconds: [1, 1],
        silenceMs: 1500,
      });
      server().processes.signal("kube-apiserver", "SIGSTOP");
      await eventually("it fails", () => reflector.failures >= 1, 8000);
      server().processes.signal("kube-apiserver", "SIGCONT");
      await set("a", "1");
      await eventually("it is seen", () => changes.length === 1);
      assert.ok(lists() <= 2);
    });

    it("keeps a thousand objects, from pages", async () => {
      for (let from = 0; from < 1000; from += 50)
        await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            api.create(path, mapOf(`m${from + index}`, "1")),
          ),
        );
      const { reflector, changes } = await reflect();
      assert.equal(reflector.objects.size, 1000);
      assert.equal(changes.length, 1000);
    });

    it("skips what is not as expected, says so once, and goes on", async () => {
      await set("a", "throw");
      await set("b", "1");
      const { reflector, changes, lines } = await reflect();
      await api.mergePatch(`${path}/a`, { metadata: { labels: { x: "1" } } });
      await set("b", "throw");
      await set("c", "1");
      await eventually("three changes", () => changes.length >= 3);
      assert.deepEqual(changes, ["added /b=1", "deleted /b=1", "added /c=1"].map(namespaced));
      assert.deepEqual(
        lines.map(({ message }) => message),
        Array(2).fill("an object is not as expected, and skipped"),
      );
      assert.equal(reflector.failures, 0);
      await set("a", "1");
      await eventually("it is seen", () => changes.length >= 4);
    });

    it("bears a listener that throws", async () => {
      const { reflector } = await reflect({
        onChange: () => {
          throw new Error("a bug");
        },
      });
      await set("a", "1");
      await set("b", "1");
      await eventually("both are kept", () => reflector.objects.size === 2);
    });

    it("tells nothing once it is stopped", async () => {
      const { reflector, changes } = await reflect();
      reflector.stop();
      await set("a", "1");
      await new Promise((next) => setTimeout(next, 200));
      assert.deepEqual(changes, []);
    });

    it("may be made of a collection that may not be read, and says so", async () => {
      const all = reflectorOf(api, "/apis/example.com/v1/nothings");
      started.push(all.reflector.start());
      await eventually("it fails", () => all.reflector.failures >= 2);
      assert.ok(!all.reflector.isSynced);
      assert.equal(all.lines[0]?.level, "warn");
    });
  },
  async () => ({ crds: [] }),
);

describe("A reflector, when the server misbehaves,", () => {
  let server: ScriptedServer;
  let api: KubeApi;
  let all: ReturnType<typeof reflectorOf>;
  const pods = "/api/v1/pods";
  const pod = (name: string, resourceVersion: string, value = "1") => ({
    metadata: { name, resourceVersion },
    data: { value },
  });
  const status = (code: number, reason: string) => ({
    kind: "Status",
    code,
    reason,
    message: "no",
  });

  async function serve(...answers: readonly Answer[]) {
    server = await scriptedServer(...answers);
    api = plainApi(server.address, 300);
    all = reflectorOf(api, pods, { silenceMs: 300 });
    all.reflector.start();
  }

  afterEach(async () => {
    all.reflector.stop();
    api.close();
    await server.close();
  });

  const watchFrom = (version: string) =>
    `${pods}?watch=true&resourceVersion=${version}&allowWatchBookmarks=true`;
  const listing = `${pods}?limit=250`;

  it("lists again when it is told in the watch that its resource version is too old", async () => {
    await serve(
      list("5", [pod("a", "4")]),
      open(event("ERROR", status(410, "Expired"))),
      list("9", [pod("b", "8")]),
      open(),
    );
    await eventually("the second list", () => all.lists() === 2);
    await eventually("the second watch", () => server.urls.length >= 4);
    assert.deepEqual(all.changes, ["added a=1", "deleted a=1", "added b=1"]);
    assert.deepEqual(server.urls.slice(0, 4), [listing, watchFrom("5"), listing, watchFrom("9")]);
  });

  it("lists again when the watch is refused for that", async () => {
    await serve(list("5", []), json(status(410, "Gone"), 410), list("9", [pod("b", "8")]), open());
    await eventually("the second list", () => all.lists() === 2);
  });

  it("begins a list anew that has expired halfway, and tells nothing of the half", async () => {
    await serve(
      list("5", [pod("a", "1")], "more"),
      json(status(410, "Expired"), 410),
      list("9", [pod("b", "8")]),
      open(),
    );
    await all.reflector.synced;
    assert.deepEqual(all.changes, ["added b=1"]);
  });

  it("resumes from the last event or bookmark when the connection breaks off", async () => {
    await serve(
      list("5", []),
      (request, response) => {
        open(event("ADDED", pod("a", "6")), event("BOOKMARK", pod("", "8")))(request, response);
        setTimeout(() => response.destroy(), 20);
      },
      // The last event of this is cut off, so it comes again.
      (request, response) => {
        open(event("MODIFIED", pod("a", "9", "2")), '{"type":"MODIFIED","obj')(request, response);
        setTimeout(() => response.destroy(), 20);
      },
      open(event("MODIFIED", pod("a", "10", "3"))),
    );
    await eventually("three changes", () => all.changes.length === 3);
    assert.deepEqual(all.changes, ["added a=1", "updated a=2", "updated a=3"]);
    assert.deepEqual(server.urls.slice(0, 4), [
      listing,
      watchFrom("5"),
      watchFrom("8"),
      watchFrom("9"),
    ]);
  });

  it("takes silence for a dead connection, and resumes", async () => {
    await serve(
      list("5", []),
      // Not even a head.
      silent,
      open(event("ADDED", pod("a", "6"))),
      // A head and nothing else.
      open(),
      open(event("DELETED", pod("a", "7"))),
    );
    await eventually("the deletion", () => all.changes.length === 2, 5000);
    assert.deepEqual(server.urls.slice(1, 5), ["5", "5", "6", "6"].map(watchFrom));
  });

  it("compares all with the server's list after several failures in a row", async () => {
    await serve(
      list("5", [pod("a", "4")]),
      silent,
      hangUp,
      open(),
      list("9", [pod("b", "8")]),
      open(),
    );
    await eventually("the second list", () => all.lists() === 2, 5000);
    assert.deepEqual(all.changes, ["added a=1", "deleted a=1", "added b=1"]);
  });

  it("does not storm a server that ends every watch at once, or refuses it", async () => {
    await serve(list("5", []), ended());
    await new Promise((next) => setTimeout(next, 1000));
    assert.ok(server.urls.length < 10, String(server.urls.length));
    assert.ok(all.reflector.failures >= 2);
  });

  it("does not storm a server that lets it list but not watch", async () => {
    await serve((request, response) =>
      (request.url?.includes("watch=true") ? json(status(403, "Forbidden"), 403) : list("5", []))(
        request,
        response,
      ),
    );
    await new Promise((next) => setTimeout(next, 1500));
    assert.ok(server.urls.length < 14, String(server.urls.length));
    assert.ok(all.reflector.isSynced);
    assert.ok(all.reflector.failures >= 3);
  });

  it("survives whatever is sent as objects and events", async () => {
    const odd: unknown[] = [null, 1, "a", [], {}, { metadata: null }, { metadata: { name: 7 } }];
    odd.push({ metadata: { name: "x", namespace: {} } }, { metadata: [] }, pod("good", "4"));
    await serve(
      list("5", odd),
      open(
        ...odd.map((object) => event("ADDED", object)),
        ...odd.map((object) => event("MODIFIED", object)),
        ...odd.slice(0, -1).map((object) => event("DELETED", object)),
        ...odd.map((object) => event("BOOKMARK", object)),
        event("UNHEARD-OF", pod("new", "6")),
        event("ADDED", pod("last", "7")),
      ),
    );
    await eventually("the last one", () => all.reflector.objects.has("last"));
    assert.deepEqual([...all.reflector.objects.keys()], ["good", "new", "last"]);
    assert.equal(all.reflector.failures, 0);
  });

  it("resumes after a line that is no event", async () => {
    for (const line of ["null\n", "7\n", "{\n", '{"type":7}\n', "[]\n"]) {
      await serve(list("5", []), open(line), open(event("ADDED", pod("a", "6"))));
      await eventually(line, () => all.reflector.objects.has("a"));
      all.reflector.stop();
      await server.close();
    }
  });

  it("does not take for a collection what is none", async () => {
    await serve(
      json({ kind: "Pod" }),
      json({ items: {}, metadata: {} }),
      json(null),
      hangUp,
      list("5", [pod("a", "1")]),
      open(),
    );
    await all.reflector.synced;
    assert.equal(all.reflector.objects.size, 1);
  });

  it("ends at once, also while it connects or waits", async () => {
    await serve(silent);
    await eventually("it has asked", () => server.urls.length === 1);
    all.reflector.stop();
    await new Promise((next) => setTimeout(next, 500));
    assert.equal(server.urls.length, 1);
    assert.deepEqual(all.lines, []);
  });
});
