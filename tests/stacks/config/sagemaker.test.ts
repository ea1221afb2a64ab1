import assert from "node:assert/strict";
import { ConfigError, type Problem } from "../../../stacks/config/errors";
import { parseConfig } from "../../../stacks/config/parse";
import { resolveEndpoints } from "../../../stacks/resolveEndpoints";

type Raw = Readonly<Record<string, unknown>>;

const REGION = "us-west-2";
const live: Raw = { model: "sdxl", accelerator: "g5", framework: "cuda" };
const copy: Raw = { model: "sdxl", framework: "cuda" };

/** A config of the managed path alone. */
function alone(sagemaker: Raw, more: Raw = {}): Record<string, unknown> {
  return { models: { sdxl: {} }, sagemaker: { enabled: true, ...sagemaker }, ...more };
}

function problemsOf(config: Record<string, unknown>): readonly Problem[] {
  try {
    parseConfig(config, REGION);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `another error: ${error}`);
    return error.problems;
  }
  return [];
}

/** The one problem of the managed path's config: where it is, and what is allowed there. */
function onlyProblem(sagemaker: Raw, more?: Raw): readonly [key: string, allowed: string] {
  const problems = problemsOf(alone(sagemaker, more));
  assert.equal(problems.length, 1, JSON.stringify(problems, null, 2));
  return [problems[0]!.key, problems[0]!.allowed];
}

const variant = (more: Raw) => onlyProblem({ variantEndpoints: { live: { ...live, ...more } } });
const shared = (more: Raw, component: Raw = {}) =>
  onlyProblem({
    componentEndpoints: {
      shared: { accelerator: "g5", components: { faces: { ...copy, ...component } }, ...more },
    },
  });

describe("The config of managed endpoints", () => {
  it("needs no unit, and gives an asynchronous endpoint seed 000's figures", () => {
    const config = parseConfig(alone({ asyncEndpoints: { campaign: { model: "sdxl" } } }), REGION);
    const { campaign } = config.sagemaker.asyncEndpoints;
    const [resolved] = resolveEndpoints(config, REGION).asynchronous;
    assert.equal(resolved!.machines.type.name, "ml.inf2.48xlarge");
    assert.equal(campaign!.framework, "neuron");
    assert.equal(campaign!.instances.min, 0);
    assert.equal(campaign!.inferenceSeconds, 10);
    const { usageTarget, scaleOutCooldownSeconds, scaleInCooldownSeconds } = campaign!.scaling;
    assert.deepEqual(
      [usageTarget, scaleOutCooldownSeconds, scaleInCooldownSeconds],
      [0.75, 60, 120],
    );
  });

  it("gives an asynchronous endpoint on another accelerator the smallest of its machines", () => {
    const campaign = { model: "sdxl", accelerator: "g5", framework: "cuda" };
    const config = parseConfig(alone({ asyncEndpoints: { campaign } }), REGION);
    const [resolved] = resolveEndpoints(config, REGION).asynchronous;
    assert.equal(resolved!.machines.type.name, "ml.g5.xlarge");
  });

  it("gives realtime endpoints seed 003's figures", () => {
    const { sagemaker } = parseConfig(alone({ variantEndpoints: { live } }), REGION);
    const { policy, target, scaleOutCooldownSeconds, scaleInCooldownSeconds } =
      sagemaker.variantEndpoints.live!.scaling;
    assert.deepEqual(
      [policy, target, scaleOutCooldownSeconds, scaleInCooldownSeconds],
      ["tracking", 5, 180, 180],
    );
  });

  it("is off unless it is turned on, and then wants a unit or a task's runtime", () => {
    const problem = problemsOf({}).find(({ key }) => key === "units");
    assert.match(problem!.allowed, /unless `async` or `sagemaker` is on/);
  });

  it("wants an endpoint where the path is on", () => {
    const problems = problemsOf({ sagemaker: { enabled: true } });
    assert.ok(problems.some(({ key }) => key === "sagemaker"));
  });

  it("wants a type that carries the accelerator, and a framework that runs there", () => {
    assert.deepEqual(
      variant({ instanceType: "ml.inf2.xlarge" })[0],
      "sagemaker.variantEndpoints.live.instanceType",
    );
    const [key, allowed] = variant({ framework: "neuron" });
    assert.equal(key, "sagemaker.variantEndpoints.live.framework");
    assert.match(allowed, /runs on g5: cuda, triton/);
    assert.match(variant({ accelerator: "g55" })[1], /accelerator of the catalogue/);
  });

  it("wants a model that there is, and names the nearest", () => {
    const problems = problemsOf(
      alone({ variantEndpoints: { live, other: { ...live, model: "sdxxl" } } }),
    );
    assert.deepEqual(
      problems.map(({ key, nearest }) => [key, nearest]),
      [["sagemaker.variantEndpoints.other.model", "sdxl"]],
    );
  });

  it("takes the last instance only from where SageMaker does", () => {
    const [key, allowed] = variant({ instances: { min: 0 } });
    assert.equal(key, "sagemaker.variantEndpoints.live.instances.min");
    assert.match(allowed, /asynchronous endpoints and from under inference components only/);
    assert.equal(
      shared({ instances: { min: 0 } })[0],
      "sagemaker.componentEndpoints.shared.instances.min",
    );
    const none = { instances: { min: 0 }, components: { faces: { ...copy, copies: { min: 0 } } } };
    const zero = alone({ componentEndpoints: { shared: { accelerator: "g5", ...none } } });
    assert.deepEqual(problemsOf(zero), []);
  });

  it("wants a component's share of an instance to fit on one", () => {
    assert.deepEqual(shared({}, { devices: 2 }), [
      "sagemaker.componentEndpoints.shared.components.faces.devices",
      "at most 1, what a ml.g5.xlarge has",
    ]);
    assert.match(shared({}, { memoryMiB: 20_000 })[1], /at most 16384/);
    assert.match(shared({}, { vcpus: 5 })[1], /at most 4/);
  });

  it("wants the invocations that a hybrid policy goes by, and no others", () => {
    assert.match(variant({ scaling: { policy: "hybrid" } })[1], /since the policy is hybrid/);
    assert.match(variant({ scaling: { invocationsPerMinute: 6 } })[1], /nothing with the policy/);
  });

  it("wants bounds the right way round, of schedules too", () => {
    assert.match(
      variant({ instances: { min: 5, max: 2 } })[1],
      /at most instances\.max, which is 2/,
    );
    const campaign = { model: "sdxl", instances: { min: 5 } };
    assert.deepEqual(onlyProblem({ asyncEndpoints: { campaign } }), [
      "sagemaker.asyncEndpoints.campaign.instances.min",
      "at most instances.max, which is 4",
    ]);
    const schedules = [
      { start: "at(2026-12-01T08:00:00)", end: "at(2026-12-01T20:00:00)", min: 9 },
    ];
    const [key, allowed] = onlyProblem({
      asyncEndpoints: { campaign: { model: "sdxl", scaling: { schedules } } },
    });
    assert.equal(key, "sagemaker.asyncEndpoints.campaign.scaling.schedules[0].min");
    assert.match(allowed, /which is 4/);
    assert.match(variant({ scaling: { schedules } })[1], /which is 4/);
    const none = [{ ...schedules[0], min: 0 }];
    assert.match(variant({ scaling: { schedules: none } })[1], /1 at least/);
  });

  it("keeps the names of endpoints and components apart", () => {
    const [key, allowed] = onlyProblem({
      variantEndpoints: { live },
      componentEndpoints: { shared: { accelerator: "g5", components: { live: copy } } },
    });
    assert.equal(key, "sagemaker.componentEndpoints.shared.components.live");
    assert.match(allowed, /sagemaker\.variantEndpoints\.live/);
  });

  it("keeps names off those of the program's own alarms, topics and roles, of units and of models", () => {
    for (const name of ["task-api", "alarms", "live-new-fleet", "sdxl"]) {
      const [key, allowed] = onlyProblem({ variantEndpoints: { [name]: live } });
      assert.equal(key, `sagemaker.variantEndpoints.${name}`);
      assert.match(allowed, /another name|no unit and no model/);
    }
  });

  it("has room for the copies that there always are", () => {
    const four = { instanceType: "ml.g5.12xlarge", instances: { max: 1 } };
    assert.deepEqual(
      shared({ ...four, components: { faces: { ...copy, copies: { min: 5, max: 5 } } } }),
      [
        "sagemaker.componentEndpoints.shared.instances.max",
        "2 at least, which the components' least copies want on a ml.g5.12xlarge",
      ],
    );
    const threes = { a: { ...copy, devices: 3 }, b: { ...copy, devices: 3 } };
    assert.match(shared({ ...four, components: threes })[1], /^2 at least/);
    const all = { a: { ...copy, memoryMiB: 196_608 }, b: copy };
    assert.match(shared({ ...four, components: all })[1], /^2 at least/);
  });

  it("takes keys and images of the stack's region only, and containers for the device", () => {
    const elsewhere = "arn:aws:kms:eu-west-1:123456789012:key/a";
    assert.equal(
      onlyProblem({ variantEndpoints: { live }, kmsKeyArn: elsewhere })[0],
      "sagemaker.kmsKeyArn",
    );
    const image = (region: string, name: string) =>
      `763104351884.dkr.ecr.${region}.amazonaws.com/${name}`;
    const pytorch = "pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker";
    assert.match(variant({ container: image("eu-west-1", pytorch) })[1], /stack's region/);
    const neuron = "djl-inference:0.29.0-neuronx-sdk2.19.1";
    assert.match(variant({ container: image(REGION, neuron) })[1], /LMI-Neuron is for neuron/);
    const repository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/server";
    const images = { server: { repository } };
    assert.equal(
      onlyProblem({ variantEndpoints: { live } }, { images })[0],
      "images.server.repository",
    );
  });

  it("takes a share for a share, and time zones that there are", () => {
    const campaign = (scaling: Raw) =>
      onlyProblem({ asyncEndpoints: { campaign: { model: "sdxl", scaling } } })[1];
    assert.match(campaign({ usageTarget: 75 }), /0\.75 for three quarters/);
    const [start, end] = ["at(2026-12-01T08:00:00)", "at(2026-12-01T20:00:00)"];
    const schedules = [{ start, end, min: 1, timezone: "Mars/Base" }];
    assert.match(campaign({ schedules }), /IANA time zone/);
  });

  it("keeps requests until the last attempt", () => {
    const managedRuntimes = { drafts: { endpoint: "campaign", maxAttempts: 20 } };
    const [key, allowed] = onlyProblem(
      { asyncEndpoints: { campaign: { model: "sdxl", days: 5 } } },
      { async: { enabled: true, managedRuntimes } },
    );
    assert.equal(key, "sagemaker.asyncEndpoints.campaign.days");
    assert.match(allowed, /^7 at least/);
  });

  it("takes images from ECR with a tag or digest only", () => {
    for (const container of ["busybox:1", "123456789012.dkr.ecr.us-west-2.amazonaws.com/a:latest"])
      assert.match(
        variant({ container })[1],
        /an image in ECR with a tag \(not latest\) or a digest/,
      );
  });

  it("wants endpoints behind managed runtimes, and the path to be on", () => {
    const managedRuntimes = { drafts: { endpoint: "campain" } };
    const path = { async: { enabled: true, managedRuntimes } };
    const sagemaker = { asyncEndpoints: { campaign: { model: "sdxl" } } };
    const problems = problemsOf(alone(sagemaker, path));
    assert.deepEqual(
      problems.map(({ key, nearest }) => [key, nearest]),
      [["async.managedRuntimes.drafts.endpoint", "campaign"]],
    );
    const right = {
      async: { enabled: true, managedRuntimes: { drafts: { endpoint: "campaign" } } },
    };
    assert.deepEqual(problemsOf(alone(sagemaker, right)), []);
    assert.ok(
      problemsOf({ ...alone({ ...sagemaker, enabled: false }, right) }).some(
        ({ key }) => key === "sagemaker.enabled",
      ),
    );
  });

  it("uses no answer longer than it is kept", () => {
    const managedRuntimes = { drafts: { endpoint: "campaign" } };
    const [key, allowed] = onlyProblem(
      { asyncEndpoints: { campaign: { model: "sdxl" } } },
      { async: { enabled: true, managedRuntimes, results: { days: 3 }, cache: { enabled: true } } },
    );
    assert.equal(key, "async.cache.days");
    assert.match(allowed, /at most results\.days, which is 3/);
  });
});

describe("Managed endpoints that a config describes", () => {
  it("get one request per device at once, and copies their devices' share of an instance", () => {
    const components = { faces: copy, pairs: { ...copy, devices: 2 } };
    const config = parseConfig(
      alone({
        asyncEndpoints: { campaign: { model: "sdxl" } },
        componentEndpoints: {
          shared: { accelerator: "g5", instanceType: "ml.g5.12xlarge", components },
        },
      }),
      REGION,
    );
    const { asynchronous, shared: endpoints } = resolveEndpoints(config, REGION);
    assert.equal(asynchronous[0]!.concurrency, 12);
    const [faces, pairs] = endpoints[0]!.components;
    assert.deepEqual([faces!.vcpus, faces!.memoryMiB], [10.75, 43 * 1024]);
    assert.deepEqual([pairs!.vcpus, pairs!.memoryMiB], [21.5, 86 * 1024]);
  });

  it("know which container SageMaker keeps on instances: under components only", () => {
    const container =
      "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker";
    const config = parseConfig(
      alone({
        variantEndpoints: { live: { ...live, container } },
        componentEndpoints: {
          shared: {
            accelerator: "g5",
            components: { cached: { ...copy, container }, pulled: copy },
          },
        },
      }),
      REGION,
    );
    const { variants, shared: endpoints } = resolveEndpoints(config, REGION);
    assert.equal(variants[0]!.hosting.containerState, "pulled");
    assert.deepEqual(
      endpoints[0]!.components.map(({ hosting }) => hosting.containerState),
      ["cached", "pulled"],
    );
  });
});
