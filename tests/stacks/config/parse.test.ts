import assert from "node:assert/strict";
import { ConfigError, type Problem } from "../../../stacks/config/errors";
import { parseConfig } from "../../../stacks/config/parse";

const REGION = "us-west-2";

/** The smallest config there is: one unit of Table 1. */
function smallest(): Record<string, unknown> {
  return {
    units: { "sd21-inf2-neuron": { model: "sd21", accelerator: "inf2", framework: "neuron" } },
  };
}

function unit(more: Record<string, unknown> = {}) {
  return { model: "sd21", accelerator: "inf2", framework: "neuron", ...more };
}

function problemsOf(config: Record<string, unknown>, region = REGION): readonly Problem[] {
  try {
    parseConfig(config, region);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `another error: ${error}`);
    return error.problems;
  }
  return [];
}

/** The one problem of a config, and that there is just one. */
function onlyProblem(config: Record<string, unknown>, region = REGION): Problem {
  const problems = problemsOf(config, region);
  assert.equal(problems.length, 1, JSON.stringify(problems, null, 2));
  return problems[0]!;
}

describe("A stack's config", () => {
  it("needs nothing but a unit: everything else has a default", () => {
    const config = parseConfig(smallest(), REGION);
    assert.equal(config.mode, "cost");
    assert.equal(config.gateway.scheme, "internal");
    assert.deepEqual(config.units["sd21-inf2-neuron"]!.replicas, { min: 1, max: 10 });
  });

  it("names a misspelt key, what is allowed there, and the nearest key", () => {
    const problem = onlyProblem({ ...smallest(), netwrok: { zones: 3 } });
    assert.equal(problem.key, "netwrok");
    assert.equal(problem.nearest, "network");
    assert.match(problem.allowed, /network, cluster/);
  });

  it("names a misspelt key inside a unit", () => {
    const problem = onlyProblem({ units: { "sd21-inf2-neuron": unit({ replica: { min: 2 } }) } });
    assert.equal(problem.key, "units.sd21-inf2-neuron.replica");
    assert.equal(problem.nearest, "replicas");
  });

  it("names a wrong value with what is allowed and the nearest value", () => {
    const problem = onlyProblem({ ...smallest(), mode: "capasity" });
    assert.deepEqual(
      [problem.key, problem.value, problem.allowed, problem.nearest],
      ["mode", "capasity", "cost, capacity", "capacity"],
    );
  });

  it("names all mistakes at once, those between keys too", () => {
    const keys = problemsOf({
      mode: "fast",
      network: { zones: 1 },
      gateway: { scheme: "internet-facing" },
      units: { "sd21-inf2-neuron": unit({ framework: "cuda", replicas: { min: 5, max: 2 } }) },
    }).map((problem) => problem.key);
    assert.deepEqual(keys.sort(), [
      "gateway.allowedCidrs",
      "gateway.certificateArn",
      "mode",
      "network.zones",
      "units.sd21-inf2-neuron.framework",
      "units.sd21-inf2-neuron.measurement",
      "units.sd21-inf2-neuron.replicas.min",
    ]);
  });

  it("does not blame a rule for a key that is itself wrong", () => {
    const problem = onlyProblem({
      ...smallest(),
      gateway: { scheme: "internet-facing", certificateArn: "cert", allowedCidrs: ["10.0.0.0/8"] },
    });
    assert.equal(problem.key, "gateway.certificateArn");
    assert.equal(problem.value, "cert");
  });

  it("judges the rules beside what is missing, and blames nothing for that being gone", () => {
    const { accelerator: _, ...without } = unit();
    const keys = problemsOf({
      units: { ...(smallest().units as object), other: without },
      failover: { probeMinutes: 1 },
    }).map((problem) => problem.key);
    assert.deepEqual(keys, ["units.other.accelerator", "failover.probeMinutes"]);
    assert.deepEqual(
      problemsOf({ units: { "sd21-inf2-neuron": without } }).map((problem) => problem.key),
      ["units.sd21-inf2-neuron.accelerator"],
    );
  });

  it("names the keys where there is a list or a text instead of an object", () => {
    const drafts = { nmae: "drafts", model: "sd21", accelerator: "g5", framework: "triton" };
    const list = [drafts, drafts];
    const wrong = problemsOf({ ...smallest(), async: { runtimes: list } });
    assert.match(wrong[0]!.allowed, /^entries by name, NAME: {…}, with the keys adapter, model,/);
    assert.match(
      new ConfigError(wrong).message,
      /async\.runtimes is a list of 2; allowed: entries by name/,
    );
    const [problem] = problemsOf({ ...smallest(), async: { results: "ours" } });
    assert.match(problem!.allowed, /^an object with the keys days, existingBucket/);
  });

  it("names a runtime's misspelt key, the keys that it may have, and nothing else", () => {
    const drafts = { nmae: "x", model: "sd21", accelerator: "g5", framework: "triton" };
    const [problem, ...others] = problemsOf({ ...smallest(), async: { runtimes: { drafts } } });
    assert.deepEqual(others, []);
    assert.equal(problem!.key, "async.runtimes.drafts.nmae");
    assert.match(problem!.allowed, /^in async\.runtimes\.drafts the keys adapter, model, /);
  });

  it("says in one sentence what is wrong, where, and what is allowed", () => {
    const error = new ConfigError(problemsOf({ ...smallest(), mode: "capasity" }));
    assert.equal(
      error.message,
      "The config has 1 problem:\n" +
        '  diffusion-fleet:mode is "capasity"; allowed: cost, capacity. Did you mean "capacity"?',
    );
  });
});

describe("Rules between keys of a config", () => {
  const five = {
    "sd21-inf2-neuron": unit(),
    "sd21-trn1-neuron": unit({ accelerator: "trn1" }),
    "sd21-g5-triton": unit({ accelerator: "g5", framework: "triton" }),
    "sd21-g6-triton": unit({ accelerator: "g6", framework: "triton" }),
    "sd21-g5-cuda": unit({ accelerator: "g5", framework: "cuda" }),
  };
  const measured = { measurement: { throughput: 50, latencySeconds: 1 } };

  it("allow five units of one model, and refuse the sixth with the quota as the reason", () => {
    assert.deepEqual(problemsOf({ units: five }), []);
    const problem = onlyProblem({
      units: {
        ...five,
        "sd21-g4dn-cuda": unit({ accelerator: "g4dn", framework: "cuda", ...measured }),
      },
    });
    assert.equal(problem.key, "units");
    assert.match(problem.allowed, /5 units of sd21 at most, the target groups .* one action/);
  });

  it("want the import that is compiled, and nothing compiled beside what is named", () => {
    const compile = { neuron: { sizes: ["512x512"] } };
    const models = (model: object) => ({ ...smallest(), models: { sd21: model } });
    const cuda = "5e7c2a1f0d9b8346";
    assert.deepEqual(problemsOf(models({ compile, artefacts: { cuda } })), []);
    const missing = onlyProblem(models({ compile }));
    assert.equal(missing.key, "models.sd21.artefacts.cuda");
    assert.match(
      missing.allowed,
      /import for cuda, since models\.sd21\.compile\.neuron compiles it/,
    );
    const doubled = onlyProblem(models({ compile, artefacts: { cuda, neuron: cuda } }));
    assert.equal(doubled.key, "models.sd21.artefacts.neuron");
  });

  it("keep units off the names of what compiles", () => {
    const problem = onlyProblem({ units: { "compile-sd21": unit(measured) } });
    assert.match(problem.allowed, /does not begin with compile-/);
  });

  it("name the frameworks that can be compiled for", () => {
    const models = { sd21: { compile: { cuda: {} } } };
    const problem = onlyProblem({ ...smallest(), models });
    assert.match(problem.allowed, /the keys neuron, triton/);
  });

  it("refuse sizes that no latents make", () => {
    const compile = { neuron: { sizes: ["512x500"] } };
    const artefacts = { cuda: "5e7c2a1f0d9b8346" };
    const problem = onlyProblem({ ...smallest(), models: { sd21: { compile, artefacts } } });
    assert.equal(problem.key, "models.sd21.compile.neuron.sizes[0]");
    assert.match(problem.allowed, /multiples of 8/);
  });

  it("refuse a framework that does not run on the accelerator", () => {
    const problem = onlyProblem({
      units: { other: unit({ accelerator: "g5", framework: "neuron", ...measured }) },
    });
    assert.equal(problem.key, "units.other.framework");
    assert.match(problem.allowed, /on g5: cuda, triton/);
  });

  it("refuse an unknown accelerator and name the nearest", () => {
    const problem = onlyProblem({ units: { other: unit({ accelerator: "inf3", ...measured }) } });
    assert.equal(problem.key, "units.other.accelerator");
    assert.equal(problem.nearest, "inf2");
  });

  it("refuse an unknown model and name the nearest", () => {
    const problems = problemsOf({ units: { "sd21-inf2-neuron": unit({ model: "sd12" }) } });
    const problem = problems.find(({ key }) => key === "units.sd21-inf2-neuron.model");
    assert.equal(problem?.nearest, "sd21");
  });

  it("refuse more replicas at least than at most", () => {
    const problem = onlyProblem({
      units: { "sd21-inf2-neuron": unit({ replicas: { min: 3, max: 2 } }) },
    });
    assert.equal(problem.key, "units.sd21-inf2-neuron.replicas.min");
    assert.match(problem.allowed, /at most replicas\.max, which is 2/);
  });

  it("refuse weights that are all zero", () => {
    const problem = onlyProblem({ units: { "sd21-inf2-neuron": unit({ weight: 0 }) } });
    assert.match(problem.allowed, /a positive weight on one unit of sd21/);
  });

  it("refuse the image tag latest", () => {
    const problem = onlyProblem({ ...smallest(), images: { server: { tag: "latest" } } });
    assert.equal(problem.key, "images.server.tag");
    assert.match(problem.allowed, /a fixed tag/);
  });

  it("want a certificate and a protection in front of an internet-facing gateway", () => {
    const keys = (gateway: object) =>
      problemsOf({ ...smallest(), gateway: { scheme: "internet-facing", ...gateway } }).map(
        (p) => p.key,
      );
    const certificateArn = `arn:aws:acm:${REGION}:123456789012:certificate/1`;
    assert.deepEqual(keys({}), ["gateway.certificateArn", "gateway.allowedCidrs"]);
    assert.deepEqual(keys({ certificateArn }), ["gateway.allowedCidrs"]);
    assert.deepEqual(keys({ certificateArn, allowedCidrs: ["0.0.0.0/0"] }), [
      "gateway.allowedCidrs",
    ]);
    assert.deepEqual(keys({ certificateArn, allowedCidrs: ["203.0.113.0/24"] }), []);
    const webAclArn = `arn:aws:wafv2:${REGION}:123456789012:regional/webacl/a/b`;
    assert.deepEqual(keys({ certificateArn, webAclArn }), []);
    const authentication = {
      userPoolArn: `arn:aws:cognito-idp:${REGION}:123456789012:userpool/p`,
      clientId: "client",
      domain: "domain",
    };
    assert.deepEqual(keys({ certificateArn, authentication }), []);
  });

  it("want the certificate in the stack's own region", () => {
    const problem = onlyProblem({
      ...smallest(),
      gateway: { certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1" },
    });
    assert.match(problem.allowed, /us-west-2/);
  });

  it("want a measurement of a unit that the catalogue does not know", () => {
    const problem = onlyProblem({ units: { mine: unit() } });
    assert.equal(problem.key, "units.mine.measurement");
    assert.deepEqual(problemsOf({ units: { mine: unit(measured) } }), []);
  });

  it("refuse a size that the accelerator does not have, and more devices than it has", () => {
    const size = onlyProblem({
      units: { "sd21-inf2-neuron": unit({ instanceTypes: ["inf2.2xlarge"] }) },
    });
    assert.match(size.allowed, /a size of inf2: inf2\.xlarge/);
    const devices = onlyProblem({ units: { "sd21-inf2-neuron": unit({ devices: 2 }) } });
    assert.match(devices.allowed, /at most 1, what a inf2\.xlarge has/);
  });

  it("want reservations and the capacity type reserved together", () => {
    const one = onlyProblem({
      units: { "sd21-inf2-neuron": unit({ capacityTypes: ["reserved"] }) },
    });
    assert.equal(one.key, "units.sd21-inf2-neuron.capacityReservationIds");
    const other = onlyProblem({
      units: { "sd21-inf2-neuron": unit({ capacityReservationIds: ["cr-0123456789abcdef0"] }) },
    });
    assert.equal(other.key, "units.sd21-inf2-neuron.capacityTypes");
  });

  it("refuse two models on the same host and path", () => {
    const problem = onlyProblem({
      models: { sd21: {}, sdxl: {} },
      units: { ...(smallest().units as object), sdxl1: unit({ model: "sdxl", ...measured }) },
    });
    assert.equal(problem.key, "models.sdxl.pathPrefix");
  });

  it("refuse a model without units, and a unit named like a model", () => {
    const empty = onlyProblem({ ...smallest(), models: { sd21: {}, sdxl: { pathPrefix: "/xl" } } });
    assert.equal(empty.key, "models.sdxl");
    const same = onlyProblem({ units: { sd21: unit(measured) } });
    assert.match(same.allowed, /a name that no model has/);
  });

  it("want the VPC of an existing cluster", () => {
    const problem = onlyProblem({ ...smallest(), cluster: { existing: { name: "mine" } } });
    assert.equal(problem.key, "network.existing");
  });

  it("want a policy or groups of whoever may use the cluster, and namespaces of a policy", () => {
    const principalArn = "arn:aws:iam::123456789012:role/oncall";
    const ofEntry = (entry: object) =>
      problemsOf({
        ...smallest(),
        cluster: { accessEntries: { oncall: { principalArn, ...entry } } },
      }).map(({ key }) => key.replace("cluster.accessEntries.oncall.", ""));
    assert.deepEqual(ofEntry({}), ["policy"]);
    assert.deepEqual(ofEntry({ policy: "AmazonEKSAdminViewPolicy" }), []);
    assert.deepEqual(ofEntry({ kubernetesGroups: ["fleet-viewers"] }), []);
    assert.deepEqual(ofEntry({ kubernetesGroups: ["fleet-viewers"], namespaces: ["a"] }), [
      "namespaces",
    ]);
    for (const group of ["system:masters", "", "two words"])
      assert.deepEqual(ofEntry({ kubernetesGroups: [group] }), ["kubernetesGroups[0]"]);
  });

  it("refuse a kube-proxy that is newer than the control plane", () => {
    const problem = onlyProblem({
      ...smallest(),
      cluster: { version: "1.34", addons: { kubeProxy: "v1.35.0-eksbuild.2" } },
    });
    assert.equal(problem.key, "cluster.addons.kubeProxy");
  });

  it("refuse namespaces that others use: ours is locked down and destroyed with the stack", () => {
    for (const namespace of ["default", "kube-system", "keda"])
      assert.equal(onlyProblem({ ...smallest(), namespace }).key, "namespace");
  });

  it("want a drain that no request outlives, and machines that outlive their pods", () => {
    const drain = onlyProblem({ ...smallest(), scaling: { drainSeconds: 60 } });
    assert.match(drain.allowed, /at least gateway\.idleTimeoutSeconds, which is 180/);
    const node = onlyProblem({ ...smallest(), nodes: { terminationGracePeriod: "1m" } });
    assert.match(node.allowed, /at least 210s/);
    assert.equal(
      onlyProblem({ ...smallest(), nodes: { expireAfter: "0s" } }).key,
      "nodes.expireAfter",
    );
  });

  it("refuse CIDR blocks that EC2 would refuse, and halves of the internet as a protection", () => {
    for (const cidrBlock of ["10.0.0.5/16", "10.0.0.0/8", "10.0.0.0/28"])
      assert.equal(onlyProblem({ ...smallest(), network: { cidrBlock } }).key, "network.cidrBlock");
    const gateway = {
      scheme: "internet-facing",
      certificateArn: `arn:aws:acm:${REGION}:123456789012:certificate/1`,
      allowedCidrs: ["0.0.0.0/1", "128.0.0.0/1"],
    };
    assert.equal(onlyProblem({ ...smallest(), gateway }).key, "gateway.allowedCidrs");
  });

  it("refuse tags that AWS, Kubernetes or Karpenter keep for themselves", () => {
    for (const key of ["aws:x", "kubernetes.io/cluster/mine", "karpenter.sh/nodepool"])
      assert.equal(onlyProblem({ ...smallest(), tags: { [key]: "y" } }).key, `tags.${key}`);
  });

  it("refuse names that cannot name a Service, or that a unit's placeholders have", () => {
    assert.equal(onlyProblem({ units: { "3d": unit(measured) } }).key, "units.3d");
    assert.equal(onlyProblem({ units: { "x-headroom": unit(measured) } }).key, "units.x-headroom");
  });

  it("refuse paths that the Gateway API refuses", () => {
    for (const pathPrefix of ["//a", "/a/../b", "/a/."])
      assert.equal(
        onlyProblem({ ...smallest(), models: { sd21: { pathPrefix } } }).key,
        "models.sd21.pathPrefix",
      );
  });

  it("refuse machines with Arm processors where x86-64 runs", () => {
    const snapshot = { builderInstanceType: "m7g.large" };
    const builder = onlyProblem({ ...smallest(), images: { cache: "snapshot", snapshot } });
    assert.equal(builder.key, "images.snapshot.builderInstanceType");
  });

  it("want the zones in the stack's region", () => {
    const problem = onlyProblem({
      ...smallest(),
      network: { availabilityZones: ["us-west-2b", "us-east-1a"] },
    });
    assert.equal(problem.key, "network.availabilityZones[1]");
  });

  it("want a pinned release before a unit runs on AL2023", () => {
    const problem = onlyProblem({
      units: {
        "sd21-g5-cuda": unit({ accelerator: "g5", framework: "cuda", nodeImage: "al2023" }),
      },
    });
    assert.equal(problem.key, "nodes.al2023Version");
  });

  it("refuse to override the settings that hold a unit together", () => {
    const problem = onlyProblem({ units: { "sd21-inf2-neuron": unit({ env: { PORT: "80" } }) } });
    assert.equal(problem.key, "units.sd21-inf2-neuron.env.PORT");
    assert.deepEqual(
      problemsOf({ units: { "sd21-inf2-neuron": unit({ env: { BATCH: "4" } }) } }),
      [],
    );
  });

  it("refuse to override the tags that the program sets", () => {
    const problem = onlyProblem({ ...smallest(), tags: { "diffusion-fleet:stack": "mine" } });
    assert.match(problem.allowed, /nothing: the program sets it/);
  });
});
