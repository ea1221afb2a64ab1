import assert from "node:assert/strict";
import * as fc from "fast-check";
import { largestInputMiB } from "../../../fleet/agentResources";
import { longestRetentionSeconds, queueTimes } from "../../../fleet/queueing";
import { ConfigError, type Problem } from "../../../stacks/config/errors";
import { parseConfig } from "../../../stacks/config/parse";

type Raw = Readonly<Record<string, unknown>>;

const fleetRuntime: Raw = { model: "sd21", accelerator: "g5", framework: "triton" };
const digest = `sha256:${"a".repeat(64)}`;
const webui: Raw = {
  adapter: "webui",
  accelerator: "g5",
  framework: "cuda",
  image: { repository: "registry.example.com/webui", tag: "1.10" },
};

function withUnit(path: Raw, more: Raw = {}): Raw {
  const unit = { model: "sd21", accelerator: "inf2", framework: "neuron" };
  return { units: { "sd21-inf2-neuron": unit }, async: path, ...more };
}

function problemsOf(path: Raw, more?: Raw): readonly Problem[] {
  try {
    parseConfig(withUnit(path, more), "us-west-2");
  } catch (error) {
    assert.ok(error instanceof ConfigError, `another error: ${error}`);
    return error.problems;
  }
  return [];
}

/** The one problem of a config: where it is, and what is allowed there. */
function onlyProblem(path: Raw, more?: Raw): readonly [key: string, allowed: string] {
  const problems = problemsOf(path, more);
  assert.equal(problems.length, 1, JSON.stringify(problems, null, 2));
  return [problems[0]!.key, problems[0]!.allowed];
}

/** The same of a path that is on with one runtime, `drafts`. */
function ofRuntime(runtime: Raw, path: Raw = {}, more?: Raw) {
  return onlyProblem({ enabled: true, runtimes: { drafts: runtime }, ...path }, more);
}

function ofApi(api: Raw, path: Raw = {}) {
  return ofRuntime(fleetRuntime, { api, ...path });
}

const named = (name: string, more?: Raw) =>
  onlyProblem({ enabled: true, runtimes: { [name]: fleetRuntime } }, more);

describe("The config of the asynchronous path", () => {
  it("is off unless it is turned on, and starts from zero, on spot before on-demand", () => {
    const off = parseConfig(withUnit({}), "us-west-2").async;
    assert.equal(off.enabled, false);
    const path = { enabled: true, runtimes: { drafts: fleetRuntime } };
    const { drafts } = parseConfig(withUnit(path), "us-west-2").async.runtimes;
    assert.deepEqual(drafts!.replicas, { min: 0, max: 10 });
    assert.deepEqual(drafts!.capacityTypes, ["spot", "on-demand"]);
    assert.equal(drafts!.adapter, "fleet");
  });

  it("wants a runtime once it is on", () => {
    assert.deepEqual(problemsOf({}), []);
    assert.equal(onlyProblem({ enabled: true })[0], "async.runtimes");
  });

  it("gives a runtime no name that something beside it has", () => {
    assert.match(named("sd21-inf2-neuron")[1], /no unit has/);
    assert.match(named("sd21")[1], /no model has/);
    assert.match(named("failover-controller")[1], /fail-over controller/);
    assert.match(named("default")[1], /service account/);
    assert.match(named("drafts-probe")[1], /-headroom or -probe/);
    assert.match(named("drafts-headroom")[1], /-headroom or -probe/);
    assert.match(named("drafts-dead-letters")[1], /-dead-letters/);
  });

  it("asks of a runtime's machines what it asks of a unit's", () => {
    const key = "async.runtimes.drafts";
    const wrong: readonly [Raw, string, RegExp][] = [
      [{ accelerator: "g55" }, `${key}.accelerator`, /catalogue: inf2, /],
      [{ framework: "neuron" }, `${key}.framework`, /runs on g5: cuda, triton/],
      [{ instanceTypes: ["g6.xlarge"] }, `${key}.instanceTypes[0]`, /a size of g5/],
      [{ devices: 2 }, `${key}.devices`, /at most 1/],
      [{ capacityTypes: ["reserved"] }, `${key}.capacityReservationIds`, /one id at least/],
      [{ capacityReservationIds: ["cr-01234567"] }, `${key}.capacityTypes`, /with reserved/],
      [{ nodeImage: "al2023" }, "nodes.al2023Version", /since async\.runtimes\.drafts runs/],
      [{ replicas: { min: 5, max: 4 } }, `${key}.replicas.min`, /at most replicas\.max/],
    ];
    for (const [more, where, allowed] of wrong) {
      const problem = ofRuntime({ ...fleetRuntime, ...more });
      assert.equal(problem[0], where);
      assert.match(problem[1], allowed);
    }
  });

  it("wants a model for our own server, and one that there is for any", () => {
    const { model, ...without } = fleetRuntime;
    assert.equal(model, "sd21");
    assert.match(ofRuntime(without)[1], /which the adapter fleet serves: sd21/);
    const [key, allowed] = ofRuntime({ ...webui, model: "sd22" });
    assert.deepEqual([key, allowed], ["async.runtimes.drafts.model", "a model of `models`: sd21"]);
  });

  it("takes a model that no unit serves, if a runtime does", () => {
    const models = { sd21: {}, sdxl: { pathPrefix: "/xl" } };
    const path = (enabled: boolean) => ({
      enabled,
      runtimes: { drafts: { ...fleetRuntime, model: "sdxl" } },
    });
    assert.deepEqual(problemsOf(path(true), { models }), []);
    assert.equal(onlyProblem(path(false), { models })[0], "models.sdxl");
  });

  it("wants an image with tag or digest for what is not our server, and none for what is", () => {
    const { image, ...without } = webui;
    assert.ok(image);
    const place = "async.runtimes.drafts.image";
    assert.equal(ofRuntime(without)[0], place);
    assert.equal(ofRuntime({ ...without, adapter: "comfyui" })[0], place);
    assert.equal(ofRuntime({ ...fleetRuntime, image })[0], place);
    const repository = "registry.example.com/webui";
    assert.equal(ofRuntime({ ...webui, image: { repository } })[0], `${place}.tag`);
    const twice = { repository: `${repository}:1.10`, digest };
    assert.equal(ofRuntime({ ...webui, image: twice })[0], `${place}.repository`);
  });

  it("lets only the WebUI change its model", () => {
    assert.equal(
      ofRuntime({ ...fleetRuntime, dynamicModel: true })[0],
      "async.runtimes.drafts.dynamicModel",
    );
    const path = { enabled: true, runtimes: { drafts: { ...webui, dynamicModel: true } } };
    assert.deepEqual(problemsOf(path), []);
  });

  it("keeps the agent's port, and what the program sets, from the runtime", () => {
    assert.match(ofRuntime({ ...webui, port: 8081 })[1], /the agent's/);
    const own = ofRuntime({ ...fleetRuntime, env: { MODEL_PATH: "/models/mine" } });
    assert.deepEqual(own, ["async.runtimes.drafts.env.MODEL_PATH", "nothing: the program sets it"]);
    const path = { enabled: true, runtimes: { drafts: { ...webui, env: { MODEL_PATH: "/m" } } } };
    assert.deepEqual(problemsOf(path), [], "a WebUI without a model has no MODEL_PATH of ours");
  });

  it("takes schedules that KEDA takes, within the runtime's replicas", () => {
    const schedule = { start: "0 8 * * 1-5", end: "0 18 * * 1-5", replicas: 2 };
    const of = (more: Raw) =>
      ofRuntime({
        ...fleetRuntime,
        replicas: { max: 4 },
        scaling: { schedules: [{ ...schedule, ...more }] },
      });
    const place = "async.runtimes.drafts.scaling.schedules[0]";
    assert.equal(of({ replicas: 5 })[0], `${place}.replicas`);
    assert.equal(of({ end: schedule.start })[0], `${place}.end`);
    assert.equal(of({ start: "8 o'clock" })[0], `${place}.start`);
    for (const timezone of ["Europe/Berlyn", "+02:00", "europe/berlin"])
      assert.equal(of({ timezone })[0], `${place}.timezone`, timezone);
    for (const timezone of ["Europe/Berlin", "Etc/UTC", "America/Argentina/Buenos_Aires", "UTC"]) {
      const schedules = [{ ...schedule, timezone }];
      const runtime = { ...fleetRuntime, scaling: { schedules } };
      assert.deepEqual(problemsOf({ enabled: true, runtimes: { drafts: runtime } }), [], timezone);
    }
  });

  it("never takes times that SQS could not keep: it says how long a backlog may be then", () => {
    const times = fc.record({
      longestTaskSeconds: fc.integer({ min: 1, max: 5 * 3600 }),
      maxAttempts: fc.integer({ min: 1, max: 20 }),
      backlogHours: fc.integer({ min: 1, max: 240 }),
    });
    const pathOf = ({ backlogHours, ...runtime }: { backlogHours: number }) => ({
      enabled: true,
      backlogHours,
      runtimes: { drafts: { ...fleetRuntime, ...runtime } },
    });
    fc.assert(
      fc.property(times, (wanted) => {
        const problems = problemsOf(pathOf(wanted));
        const { longestTaskSeconds, maxReceiveCount, visibilitySeconds } = {
          ...wanted,
          ...queueTimes({ ...wanted, resultDays: 1 }),
        };
        const needed =
          wanted.backlogHours * 3600 + maxReceiveCount * (longestTaskSeconds + visibilitySeconds);
        assert.equal(problems.length, needed > longestRetentionSeconds ? 1 : 0);
        if (problems.length === 0) return;
        assert.equal(problems[0]!.key, "async.backlogHours");
        const most = Number(/^at most (\d+)/.exec(problems[0]!.allowed)![1]);
        assert.deepEqual(problemsOf(pathOf({ ...wanted, backlogHours: most })), []);
        assert.equal(problemsOf(pathOf({ ...wanted, backlogHours: most + 1 })).length, 1);
      }),
      { numRuns: 100 },
    );
  });

  it("leaves the runtime most of the memory, however large inputs may be", () => {
    const [key, allowed] = ofRuntime(fleetRuntime, { inputs: { maxMiB: largestInputMiB } });
    assert.equal(key, "async.inputs.maxMiB");
    const most = Number(/^at most (\d+)/.exec(allowed)![1]);
    const path = (maxMiB: number) => ({
      enabled: true,
      runtimes: { drafts: fleetRuntime },
      inputs: { maxMiB },
    });
    assert.deepEqual(problemsOf(path(most)), []);
    assert.equal(problemsOf(path(most + 1)).length, 1);
  });

  it("takes no inputs that fit into no request, on the largest machines either", () => {
    const large = { ...fleetRuntime, instanceTypes: ["g5.16xlarge"] };
    const path = (maxMiB: number) => ({
      enabled: true,
      runtimes: { drafts: large },
      inputs: { maxMiB },
    });
    assert.deepEqual(problemsOf(path(largestInputMiB)), []);
    const [key, allowed] = onlyProblem(path(largestInputMiB + 1));
    assert.equal(key, "async.inputs.maxMiB");
    assert.match(allowed, new RegExp(`${largestInputMiB}`));
  });

  it("opens the API to nobody by default: a key alone wants networks or a web ACL", () => {
    const path = (api: Raw) => ({ enabled: true, runtimes: { drafts: fleetRuntime }, api });
    assert.deepEqual(problemsOf(path({})), [], "signed requests only");
    const key = { authentication: "key" };
    assert.equal(ofApi(key)[0], "async.api.allowedCidrs");
    assert.equal(ofApi({ ...key, allowedCidrs: ["0.0.0.0/0"] })[0], "async.api.allowedCidrs");
    const webAclArn = "arn:aws:wafv2:us-west-2:123456789012:regional/webacl/tasks/1";
    for (const api of [
      { ...key, allowedCidrs: ["10.0.0.0/8"] },
      { ...key, webAclArn },
      { ...key, endpoint: "private" },
    ])
      assert.deepEqual(problemsOf(path(api)), [], JSON.stringify(api));
  });

  it("keeps apart what private and regional endpoints are reached by", () => {
    const endpoint = "private";
    assert.equal(ofApi({ endpoint, allowedCidrs: ["10.0.0.0/8"] })[0], "async.api.allowedCidrs");
    assert.equal(
      ofApi({ vpcEndpointIds: ["vpce-0123456789abcdef0"] })[0],
      "async.api.vpcEndpointIds",
    );
    const elsewhere = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/tasks/1";
    assert.equal(ofApi({ webAclArn: elsewhere })[0], "async.api.webAclArn");
  });

  it("takes no upload that an agent would refuse", () => {
    assert.equal(ofApi({ maxUploadMiB: 65 })[0], "async.api.maxUploadMiB");
  });

  it("takes the agent's image from one place", () => {
    const of = (agent: Raw) => ofRuntime(fleetRuntime, { agent })[0];
    assert.equal(of({ source: "local", digest }), "async.agent.digest");
    assert.equal(of({ source: "local", tag: "1.0" }), "async.agent.tag");
    assert.equal(of({ source: "local", repository: "r" }), "async.agent.repository");
    assert.equal(of({ repository: "registry.example.com/agent:1" }), "async.agent.repository");
  });

  it("has a snapshot for runtimes on Bottlerocket, too", () => {
    const units = {
      "sd21-g5-cuda": {
        model: "sd21",
        accelerator: "g5",
        framework: "cuda",
        nodeImage: "al2023",
      },
    };
    const more = { units, nodes: { al2023Version: "20260318" }, images: { cache: "snapshot" } };
    assert.equal(onlyProblem({}, more)[0], "images.cache");
    assert.deepEqual(problemsOf({ enabled: true, runtimes: { drafts: fleetRuntime } }, more), []);
  });
});
