import assert from "node:assert/strict";
import { Writable } from "node:stream";
import type { KubeApi } from "../../../../apps/failover-controller/cluster/api";
import {
  LeaderElection,
  type LeaderElectionOptions,
} from "../../../../apps/failover-controller/cluster/leaderElection";
import type { Lease } from "../../../../apps/failover-controller/cluster/lease";
import { createLog } from "../../../../apps/service/log";
import type { ControlPlane } from "../../../cluster/controlPlane/controlPlane";
import { eventually } from "../../../cluster/eventually";
import { describeOnApiServer } from "../../../cluster/onApiServer";
import { apiOf } from "./apiOf";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
/** As short as it goes: a lease's duration is a whole number of seconds. */
const LEASE_MS = 1000;
const quick = { leaseDurationSeconds: 1, renewDeadlineSeconds: 0.6, retryPeriodSeconds: 0.1 };
/** Where a leader that a busy machine starves for a moment must not lose its lease. */
const patient = { leaseDurationSeconds: 15, renewDeadlineSeconds: 10, retryPeriodSeconds: 0.1 };

/** A candidate with a connection of its own, which can be cut as if its machine were gone. */
class Candidate {
  readonly api: KubeApi;
  readonly election: LeaderElection;
  /** What it was told: `started`, `stopped: WHY`, `leader NAME`. */
  readonly told: string[] = [];
  readonly lines: { level: string; message: string }[] = [];
  /** When it was told, by `performance.now()`. */
  startedAt = Number.NaN;
  stoppedAt = Number.NaN;
  term: AbortSignal | undefined;
  #address: string;

  constructor(
    server: ControlPlane,
    readonly identity: string,
    path: string,
    more: Partial<LeaderElectionOptions> = {},
  ) {
    this.api = apiOf(server);
    this.#address = this.#cluster.server;
    const stream = new Writable({
      write: (line, _encoding, done) => {
        this.lines.push(JSON.parse(line.toString()));
        done();
      },
    });
    this.election = new LeaderElection(this.api, {
      path,
      identity,
      ...quick,
      onStartedLeading: (term) => {
        this.term = term;
        this.startedAt = performance.now();
        this.told.push("started");
      },
      onStoppedLeading: (why) => {
        this.stoppedAt = performance.now();
        this.told.push(`stopped: ${why}`);
      },
      onNewLeader: (leader) => this.told.push(`leader ${leader}`),
      log: createLog("info", {}, stream),
      ...more,
    });
  }

  get #cluster() {
    return this.api.config.getCurrentCluster() as { server: string };
  }

  /** It reaches the server no longer. */
  cut(): void {
    this.#cluster.server = "https://127.0.0.1:1";
  }

  mend(): void {
    this.#cluster.server = this.#address;
  }
}

describeOnApiServer(
  "Leader election",
  (server) => {
    let api: KubeApi;
    let path: string;
    let count = 0;
    const candidates: Candidate[] = [];

    before(() => {
      api = apiOf(server());
    });
    after(() => api.close());

    beforeEach(async () => {
      const name = `lease-${count++}`;
      path = `${LEASES}/${name}`;
      // As Pulumi makes it.
      await api.create(LEASES, { metadata: { name, labels: { by: "pulumi" } }, spec: {} });
    });

    afterEach(async () => {
      await Promise.all(candidates.map(({ election }) => election.stop()));
      for (const candidate of candidates.splice(0)) candidate.api.close();
    });

    function candidate(identity: string, more: Partial<LeaderElectionOptions> = {}): Candidate {
      const one = new Candidate(server(), identity, path, more);
      candidates.push(one);
      one.election.start();
      return one;
    }

    const leads = (one: Candidate) =>
      eventually(`${one.identity} leads`, () => one.election.isLeader);
    const read = async () => (await api.get<Lease>(path)).spec ?? {};

    it("lets one of several lead, and writes who and since when", async () => {
      const all = ["a", "b", "c", "d", "e"].map((name) => candidate(name));
      await eventually("one leads", () => all.some(({ election }) => election.isLeader));
      await new Promise((later) => setTimeout(later, 1500));
      const leading = all.filter(({ election }) => election.isLeader);
      assert.equal(leading.length, 1);
      const [{ identity, told }] = leading as [Candidate];
      assert.deepEqual(
        told.filter((text) => text.startsWith("st")),
        ["started"],
      );
      for (const { election, told: heard } of all) {
        assert.equal(election.leader, identity);
        assert.ok(heard.includes(`leader ${identity}`));
      }
      const spec = await read();
      assert.equal(spec.holderIdentity, identity);
      assert.equal(spec.leaseDurationSeconds, 1);
      assert.equal(spec.leaseTransitions, 1);
      assert.match(spec.acquireTime as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      assert.ok((spec.renewTime as string) > (spec.acquireTime as string));
      const { metadata } = await api.get(path);
      assert.deepEqual(metadata.labels, { by: "pulumi" });
    });

    it("has another take over when the leader is gone, once the lease has expired", async () => {
      const one = candidate("one");
      await leads(one);
      const two = candidate("two");
      await eventually("two sees one", () => two.election.leader === "one");
      await new Promise((later) => setTimeout(later, 500));
      one.cut();
      const cutAt = performance.now();
      await leads(two);
      const took = two.startedAt - cutAt;
      // The last renewal was up to a retry period before.
      assert.ok(took > LEASE_MS - 250 && took < LEASE_MS + 300, `${took} ms`);
      assert.equal((await read()).leaseTransitions, 2);
    });

    it("has the leader stop before another leads", async () => {
      for (let round = 0; round < 3; round++) {
        const one = candidate(`one-${round}`);
        await eventually("one leads", () => one.election.isLeader);
        const two = candidate(`two-${round}`);
        await eventually("two sees one", () => two.election.leader === one.identity);
        one.cut();
        await leads(two);
        assert.ok(one.stoppedAt < two.startedAt - 100, "well before");
        assert.ok(one.term?.aborted);
        assert.ok(!one.election.isLeader);
        assert.match(one.told.at(-1) as string, /could not be renewed for 0.6 s/);
        await two.election.stop();
      }
    });

    it("hands over at once when the leader stops", async () => {
      const one = candidate("one", { leaseDurationSeconds: 30 });
      await leads(one);
      const two = candidate("two");
      await eventually("two sees one", () => two.election.leader === "one");
      const stopping = performance.now();
      await one.election.stop();
      assert.deepEqual(
        one.told.filter((text) => text.startsWith("st")),
        ["started", "stopped: it is stopping"],
      );
      await leads(two);
      assert.ok(two.startedAt - stopping < 400, `${two.startedAt - stopping} ms`);
      assert.ok(one.stoppedAt < two.startedAt);
    });

    it("lets go only when what the leader does has ended", async () => {
      let ended = 0;
      const one = candidate("one", {
        onStoppedLeading: async () => {
          await new Promise((later) => setTimeout(later, 300));
          ended = performance.now();
        },
      });
      await leads(one);
      const two = candidate("two");
      await one.election.stop();
      assert.equal((await read()).holderIdentity || "two", "two");
      await leads(two);
      assert.ok(two.startedAt > ended && ended > 0);
    });

    it("leaves the lease of another alone when a candidate stops", async () => {
      const one = candidate("one");
      await leads(one);
      const two = candidate("two");
      await eventually("two sees one", () => two.election.leader === "one");
      await two.election.stop();
      assert.equal((await read()).holderIdentity, "one");
      assert.ok(one.election.isLeader);
    });

    it("is a candidate again after it has lost", async () => {
      const one = candidate("one");
      await leads(one);
      one.cut();
      await eventually("it has stopped", () => !Number.isNaN(one.stoppedAt));
      one.mend();
      await leads(one);
      assert.equal(one.told.filter((text) => text === "started").length, 2);
      assert.equal((await read()).leaseTransitions, 1, "nobody was between");
    });

    it("stops leading in time when the API server is away, and leads again when it is back", async () => {
      const one = candidate("one");
      await leads(one);
      const away = performance.now();
      await server().stopApiServer();
      await eventually("it has stopped", () => !Number.isNaN(one.stoppedAt));
      assert.ok(one.stoppedAt - away < 700, `${one.stoppedAt - away} ms`);
      await server().startApiServer();
      await leads(one);
    });

    it("stops leading in time when the API server hangs", async () => {
      // With long waits between its looks, so that it is none of them that notices.
      const one = candidate("one", { retryPeriodSeconds: 0.5 });
      await leads(one);
      const hangs = performance.now();
      server().processes.signal("kube-apiserver", "SIGSTOP");
      try {
        await eventually("it has stopped", () => !Number.isNaN(one.stoppedAt));
        assert.ok(one.stoppedAt - hangs < 700, `${one.stoppedAt - hangs} ms`);
      } finally {
        server().processes.signal("kube-apiserver", "SIGCONT");
      }
      await leads(one);
    });

    it("knows after a freeze that it may lead no longer, before anything else", async () => {
      const one = candidate("one");
      await leads(one);
      // Nothing of this process runs for longer than the deadline.
      const until = performance.now() + 700;
      while (performance.now() < until);
      assert.ok(!one.election.isLeader);
      await leads(one);
      assert.deepEqual(
        one.told.filter((text) => text.startsWith("st")),
        ["started", "stopped: the Lease could not be renewed for 0.6 s", "started"],
      );
    });

    it("does not mind the wall clock: jumps of a day, or standing still", async () => {
      const { now } = Date;
      const RealDate = Date;
      const one = candidate("one", patient);
      await leads(one);
      const two = candidate("two", patient);
      await eventually("two sees one", () => two.election.leader === "one");
      try {
        for (const offset of [86_400_000, -86_400_000, 0]) {
          const at = now() + offset;
          // Stands still at another time.
          global.Date = class extends RealDate {
            constructor() {
              super(at);
            }
            static override now = () => at;
          } as DateConstructor;
          await new Promise((later) => setTimeout(later, 500));
          assert.ok(one.election.isLeader);
          assert.ok(!two.election.isLeader);
        }
      } finally {
        global.Date = RealDate;
      }
      assert.deepEqual(
        one.told.filter((text) => text.startsWith("st")),
        ["started"],
      );
      assert.equal((await read()).leaseTransitions, 1);
    });

    it("waits out a holder whose clock is a day ahead or behind, and no longer", async () => {
      for (const time of ["2000-01-01T00:00:00.000000Z", "2100-01-01T00:00:00.000000Z"]) {
        const spec = {
          holderIdentity: "dead",
          leaseDurationSeconds: 1,
          acquireTime: time,
          renewTime: time,
          leaseTransitions: 5,
        };
        await api.mergePatch(path, { spec });
        const started = performance.now();
        const one = candidate("one");
        await leads(one);
        const took = one.startedAt - started;
        assert.ok(took > LEASE_MS && took < LEASE_MS + 400, `${took} ms`);
        assert.equal((await read()).leaseTransitions, 6);
        await one.election.stop();
      }
    });

    it("does not take a change of labels for a sign of life", async () => {
      await api.mergePatch(path, { spec: { holderIdentity: "dead", leaseDurationSeconds: 1 } });
      const started = performance.now();
      const one = candidate("one");
      const label = (value: number) =>
        api.mergePatch(path, { metadata: { labels: { value: String(value) } } });
      for (let value = 0; !one.election.isLeader && value < 50; value++) {
        await label(value);
        await new Promise((later) => setTimeout(later, 60));
      }
      await leads(one);
      assert.ok(one.startedAt - started < LEASE_MS + 500);
      // Nor does it mind them while it leads.
      for (let value = 0; value < 10; value++) await label(value);
      await new Promise((later) => setTimeout(later, 700));
      assert.deepEqual(
        one.told.filter((text) => text.startsWith("st")),
        ["started"],
      );
    });

    it("stops leading at once when somebody else has written the lease", async () => {
      const one = candidate("one");
      await leads(one);
      await api.mergePatch(path, { spec: { holderIdentity: "usurper", leaseDurationSeconds: 60 } });
      const taken = performance.now();
      await eventually("it has stopped", () => !Number.isNaN(one.stoppedAt));
      assert.ok(one.stoppedAt - taken < 300);
      assert.match(one.told.at(-1) as string, /usurper has taken the Lease/);
    });

    it("says once that there is no Lease, and leads when there is one", async () => {
      path = `${LEASES}/later`;
      const one = candidate("one");
      await new Promise((later) => setTimeout(later, 600));
      assert.deepEqual(
        one.lines.map(({ level, message }) => `${level}: ${message}`),
        [
          "error: there is no Lease, so nobody can lead: it is made with the controller's Deployment",
        ],
      );
      await api.create(LEASES, { metadata: { name: "later" } });
      await leads(one);
      assert.equal((await read()).holderIdentity, "one");
    });

    it("has as client-go's leader the times of client-go's, unless told otherwise", () => {
      const options = {
        path,
        identity: "one",
        onStartedLeading: () => {},
        onStoppedLeading: () => {},
        log: createLog("silent"),
      };
      assert.doesNotThrow(() => new LeaderElection(api, options));
      assert.throws(() => new LeaderElection(api, { ...options, renewDeadlineSeconds: 15 }));
      assert.throws(() => new LeaderElection(api, { ...options, retryPeriodSeconds: 10 }));
      assert.throws(() => new LeaderElection(api, { ...options, identity: "" }));
    });

    it("never has two leaders, while candidates come, go and lose the server", async () => {
      // Short enough to happen often: who is cut off, stops 0.4 s before another may begin.
      const all = Array.from({ length: 4 }, (_, index) => candidate(`c${index}`));
      let leaderless = 0;
      let terms = 0;
      for (let round = 0; round < 120; round++) {
        const one = all[Math.floor(Math.random() * all.length)] as Candidate;
        if (Math.random() < 0.15) one.cut();
        else one.mend();
        const leading = all.filter(({ election }) => election.isLeader);
        assert.ok(leading.length <= 1, leading.map(({ identity }) => identity).join());
        if (leading.length === 0) leaderless++;
        await new Promise((later) => setTimeout(later, 50));
      }
      for (const { told } of all) {
        const turns = told.filter((text) => text.startsWith("st"));
        terms += turns.filter((text) => text === "started").length;
        // In turn.
        assert.ok(turns.every((text, index) => (text === "started") === (index % 2 === 0)));
      }
      assert.ok(terms >= 1 && leaderless < 120);
    });
  },
  async () => ({ crds: [] }),
);
