import assert from "node:assert/strict";
import { pinned } from "../../../charts/pinned";
import type { PlannedResource } from "../../../cli/plan/document";
import { WIDTH } from "../../../cli/terminal";
import { type Version, versionsOf } from "../../../cli/versions/versions";
import { versionLines } from "../../../cli/versions/versionsText";
import { manifests, planOf } from "../../program/planned";
import { everythingOn } from "../../python/python";
import { type Ended, fleet } from "../fleetProcess";

const plain = (_: string, text: string) => text;

const resource = (type: string, inputs: Record<string, unknown>): PlannedResource => ({
  urn: `urn:pulumi:dev::p::${type}::a`,
  type,
  name: "a",
  parent: null,
  inputs,
  dependencies: [],
});

describe("The versions of a stack", () => {
  let versions: Version[];
  let images: string[];
  before(async () => {
    const plan = await planOf("prod", ...everythingOn);
    versions = versionsOf(plan.document.resources);
    images = manifests(plan, "Deployment").flatMap(({ spec: { template } }) =>
      [...(template.spec.initContainers ?? []), ...template.spec.containers].map(
        ({ image }: { image: string }) => image,
      ),
    );
  });

  const of = (kind: Version["kind"]) => versions.filter((version) => version.kind === kind);

  it("are those of all charts and manifests that the program pins", () => {
    const listed = [...of("chart"), ...of("crds")]
      .map(({ name, version, source }) => ({ name, version, repository: source }))
      .sort((a, b) => a.name.localeCompare(b.name));
    const sorted = [...pinned].sort((a, b) => a.name.localeCompare(b.name));
    assert.deepEqual(
      listed,
      sorted.map(({ name, version, repository }) => ({ name, version, repository })),
    );
  });

  it("are those of Kubernetes, of add-ons and of machine images", () => {
    assert.deepEqual(
      of("kubernetes").map(({ version }) => version),
      ["1.35"],
    );
    const addons = Object.fromEntries(of("add-on").map(({ name, version }) => [name, version]));
    assert.equal(addons["vpc-cni"], "v1.21.1-eksbuild.3");
    assert.equal(addons["amazon-cloudwatch-observability"], "v4.5.0-eksbuild.1");
    assert.deepEqual(
      of("machine image").map(({ name, version }) => `${name} ${version}`),
      ["al2023 v20260318", "bottlerocket v1.57.0"],
    );
  });

  it("are those of every container's image", () => {
    const listed = of("image").map(({ name, version }) => `${name}:${version}`);
    assert.ok(listed.some((image) => image.startsWith("pause:3.10.1")));
    for (const image of images) {
      const short = image
        .replace(/^<output of (.+)\.repositoryUrl>/, "$1")
        .replace(/^.*\//, "")
        // By digest alone.
        .replace(/^([^:@]+)@/, "$1:");
      assert.ok(listed.includes(short), image);
    }
    assert.equal(listed.length, new Set(images).size);
  });

  it("are those of the containers of managed endpoints", async () => {
    const container =
      "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker";
    const plan = await planOf("managed", `sagemaker.variantEndpoints.live.container=${container}`);
    const listed = versionsOf(plan.document.resources).map(({ name, version }) => [name, version]);
    assert.deepEqual(listed, [
      ["inference-server-cuda", "0.1.0"],
      ["inference-server-neuron", "0.1.0"],
      ["inference-server-triton", "0.1.0"],
      ["pytorch-inference", "2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker"],
    ]);
  });

  it("know an image by tag and digest, and one without either", () => {
    const pod = (image: string) =>
      resource("kubernetes:core/v1:Pod", { spec: { initContainers: [{ image }] } });
    const digest = `sha256:${"0".repeat(64)}`;
    assert.deepEqual(versionsOf([pod(`host:5000/team/server:1.0@${digest}`), pod("busybox")]), [
      { kind: "image", name: "busybox", version: null, source: "" },
      { kind: "image", name: "server", version: `1.0@${digest}`, source: "host:5000/team" },
    ]);
  });

  it("say so where the plan does not know one", () => {
    const [line] = versionLines(
      "p",
      "dev",
      versionsOf([resource("aws:eks/addon:Addon", { addonName: "coredns" })]),
      plain,
    ).filter((text) => text.includes("coredns"));
    assert.match(line!, /known after `up`/);
  });

  it("fit on a terminal", () => {
    for (const line of versionLines("diffusion-fleet", "prod", versions, plain))
      assert.ok(line.length <= WIDTH, line);
  });
});

describe("fleet versions", () => {
  let json: Ended;
  let text: Ended;
  before(async () => {
    [json, text] = await Promise.all([
      fleet("small", ["versions", "--json"]),
      fleet("small", ["versions", "--stack", "prod"]),
    ]);
  });

  it("does not depend on whose machine it runs on", async () => {
    const { stdout } = await fleet("small", ["versions", "--json"], {
      PULUMI_ENABLE_LEGACY_APPLY: "true",
      PULUMI_NODEJS_STACK: "other",
      PULUMI_CONFIG: '{"small:mode":"capacity"}',
    });
    assert.equal(stdout, json.stdout);
  });

  it("prints one document with --json", () => {
    assert.deepEqual([json.status, json.stderr], [0, ""]);
    const { project, stack, versions } = JSON.parse(json.stdout);
    assert.deepEqual([project, stack], ["small", "dev"]);
    assert.deepEqual(
      versions.filter(({ kind }: Version) => kind === "chart"),
      [
        {
          kind: "chart",
          name: "karpenter",
          version: "1.14.1",
          source: "oci://public.ecr.aws/karpenter",
        },
        {
          kind: "chart",
          name: "keda",
          version: "2.20.2",
          source: "https://kedacore.github.io/charts",
        },
      ],
    );
  });

  it("prints a table, and what it does not list", () => {
    assert.equal(text.status, 0, text.stderr);
    assert.match(text.stdout, /^small, stack prod$/m);
    assert.match(text.stdout, /^ {2}keda +2\.20\.2 +kedacore\.github\.io\/charts$/m);
    assert.match(text.stdout, /Not listed: images inside the charts/);
  });

  it("names the stacks when there is none of the name", async () => {
    const { status, stderr } = await fleet("small", ["versions", "--stack", "pord"]);
    assert.equal(status, 2);
    assert.match(stderr, /no stack "pord"; the stacks are dev, prod/);
  });
});
