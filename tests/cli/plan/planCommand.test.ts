import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlanDocument } from "../../../cli/plan/document";
import { type Ended, fleet } from "../fleetProcess";

describe("fleet plan", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-plan-"));
  const html = join(folder, "plan.html");
  const svg = join(folder, "plan.svg");
  let json: Ended;
  let text: Ended;
  let plan: PlanDocument;

  before(async () => {
    json = await fleet("small", ["plan", "--json"]);
    text = await fleet("small", ["plan", "--html", html, "--svg", svg]);
    plan = JSON.parse(json.stdout);
  });
  after(() => rmSync(folder, { recursive: true }));

  const resource = (name: string, type: RegExp) => {
    const found = plan.resources.find((r) => r.name === name && type.test(r.type));
    assert.ok(found, `${name} of ${type}`);
    return found;
  };

  describe("--json", () => {
    it("prints one document and nothing else, the same each time", async () => {
      assert.deepEqual([json.status, json.stderr], [0, ""]);
      assert.deepEqual(Object.keys(plan).sort(), [
        "mode",
        "outputs",
        "policies",
        "project",
        "resources",
        "stack",
        "violations",
      ]);
      for (const each of plan.resources)
        assert.deepEqual(Object.keys(each).sort(), [
          "dependencies",
          "inputs",
          "name",
          "parent",
          "type",
          "urn",
        ]);
      assert.equal((await fleet("small", ["plan", "--json"])).stdout, json.stdout);
    });

    it("gives every resource the URN that Pulumi's engine would", () => {
      const prefix = "urn:pulumi:dev::small::";
      const policy = resource("reader", /rolePolicy/);
      assert.equal(
        policy.urn,
        `${prefix}small:index:Platform$aws:iam/role:Role$aws:iam/rolePolicy:RolePolicy::reader`,
      );
      assert.equal(policy.parent, `${prefix}small:index:Platform$aws:iam/role:Role::reader`);
      assert.equal(resource("late", /topic/).urn, `${prefix}aws:sns/topic:Topic::late`);
      assert.equal(resource("small-dev", /Stack/).parent, null);
    });

    it("has parents and dependencies that are in the plan, and stand before who needs them", () => {
      const position = new Map(plan.resources.map(({ urn }, index) => [urn, index]));
      for (const [index, { urn, parent, dependencies }] of plan.resources.entries())
        for (const needed of [...(parent === null ? [] : [parent]), ...dependencies])
          assert.ok(
            (position.get(needed) ?? Number.POSITIVE_INFINITY) < index,
            `${urn}: ${needed}`,
          );
    });

    it("lists what is made inside an apply", () => {
      assert.equal(resource("late", /topic/).inputs.displayName, "<output of models.arn>");
    });

    it("names every unknown value by its resource and property, inside documents too", () => {
      const endpoint = resource("s3", /VpcEndpoint/).inputs;
      assert.equal(endpoint.vpcId, "<output of platform.vpcId>");
      assert.equal(endpoint.routeTableIds, "<output of platform.routeTables>");
      assert.equal(endpoint.subnetConfigurations, "<output of platform.subnetLayout>");
      const addon = resource("coredns", /addon/);
      assert.equal(addon.inputs.clusterName, "<output of platform.eksCluster.name>");
      const policy = JSON.parse(String(resource("reader", /rolePolicy/).inputs.policy));
      assert.equal(policy.Account, "<output of getCallerIdentity.accountId>");
      assert.equal(policy.Statement[0].Resource[0], "<output of models.arn>");
      assert.equal(plan.outputs.tags, "<output of models.tagsAll>");
    });

    it("takes a reference into a component provider's children for one to the component", () => {
      assert.deepEqual(resource("coredns", /addon/).dependencies, [
        resource("platform", /eks:index:Cluster/).urn,
      ]);
    });

    it("has whole manifests, and of releases chart, version, repository, namespace and values", () => {
      const route = resource("route", /HTTPRoute/).inputs;
      assert.equal(route.apiVersion, "gateway.networking.k8s.io/v1");
      assert.equal(route.kind, "HTTPRoute");
      assert.ok(route.metadata && route.spec);
      const { chart, version, repository, namespace, values } = resource("keda", /Release/).inputs;
      assert.deepEqual(
        { chart, version, repository, namespace, values },
        {
          chart: "keda",
          version: "2.20.2",
          repository: "https://kedacore.github.io/charts",
          namespace: "keda",
          values: { operator: { replicaCount: 2 } },
        },
      );
      assert.equal(
        resource("karpenter", /Release/).inputs.repository,
        "oci://public.ecr.aws/karpenter",
      );
    });
  });

  it("never shows a secret, in no way of showing a plan", async () => {
    const others = await Promise.all([
      fleet("small", ["plan", "--full"]),
      fleet("small", ["plan", "--against", "prod"]),
      fleet("small", ["plan", "--against", "mode=capacity", "token=AAABAJ0a", "--json"]),
    ]);
    const shown = [json, text, ...others].map(({ stdout, stderr }) => stdout + stderr);
    for (const content of [...shown, readFileSync(html, "utf8"), readFileSync(svg, "utf8")]) {
      assert.ok(!content.includes("s3cr3t"));
      assert.ok(!content.includes("AAABAJ0a"));
    }
    assert.equal(resource("token", /Secret/).inputs.stringData, "<secret>");
    assert.equal(resource("platform", /providers:kubernetes/).inputs.kubeconfig, "<secret>");
    assert.deepEqual([plan.outputs.secret, plan.outputs.kubeconfig], ["<secret>", "<secret>"]);
  });

  it("does not depend on whose machine it runs on", async () => {
    const { stdout } = await fleet("small", ["plan", "--json"], {
      KUBECONFIG: "/home/someone/.kube/config",
      AWS_REGION: "eu-north-1",
      AWS_ACCESS_KEY_ID: "AKIA",
      PULUMI_ENABLE_LEGACY_APPLY: "true",
      PULUMI_K8S_DELETE_UNREACHABLE: "true",
      PULUMI_NODEJS_STACK: "other",
      PULUMI_CONFIG: '{"small:mode":"capacity"}',
    });
    assert.equal(stdout, json.stdout);
  });

  it("shows people facts, tree and warnings, under 100 columns and without colours in a pipe", () => {
    const lines = text.stdout.trimEnd().split("\n");
    assert.match(
      lines[0] as string,
      /^small · stack dev · cost mode · us-west-2 {3}\d+ resources$/,
    );
    assert.ok(lines.some((line) => /^one +inf2\.xlarge +60 +105 .*0\.7582 +0\.1200$/.test(line)));
    assert.ok(lines.some((line) => /HTTPRoute +route +one 60, two 40/.test(line)));
    assert.match(lines.at(-1) as string, /^warning: a warning from the config$/);
    assert.match(
      text.stdout,
      /inside awsx\.Vpc, eks\.Cluster, ConfigFile is made by their providers/,
    );
    assert.ok(lines.every((line) => line.length < 100 && !line.includes("\u001b")));
  });

  it("colours on demand, and lists every resource on demand", async () => {
    const { stdout } = await fleet("small", ["plan", "--full"], { FORCE_COLOR: "1" });
    assert.ok(stdout.includes("\u001b[1m"));
    for (const { name } of plan.resources.slice(1)) assert.ok(stdout.includes(name), name);
  });

  it("writes a page that needs nothing from the network", () => {
    const page = readFileSync(html, "utf8");
    assert.ok(page.startsWith("<!doctype html>"));
    assert.ok(page.includes('<svg xmlns="http://www.w3.org/2000/svg"'));
    assert.doesNotMatch(page, /<script|<link|\b(src|href)=|url\(|@import/);
    assert.ok(page.includes("&lt;output of models.arn&gt;"));
    for (const { name } of plan.resources.slice(1)) assert.ok(page.includes(`>${name}<`), name);
  });

  it("changes what `--set` says", async () => {
    const { stdout } = await fleet("small", [
      "plan",
      "--json",
      "--set",
      "mode=capacity",
      "units.three={weight: 1}",
      "--set",
      "aws:region=eu-west-1",
    ]);
    const changed: PlanDocument = JSON.parse(stdout);
    assert.equal(changed.mode, "capacity");
    assert.ok(
      changed.resources.some(({ name, type }) => name === "three" && /Deployment/.test(type)),
    );
  });

  describe("--against", () => {
    const against = async (...args: string[]) =>
      JSON.parse((await fleet("small", ["plan", "--json", ...args])).stdout);
    const route = "urn:pulumi:dev::small::kubernetes:gateway.networking.k8s.io/v1:HTTPRoute::route";

    it("is empty between a config and itself", async () => {
      assert.deepEqual(await against("--against", "dev"), {
        created: [],
        deleted: [],
        updated: [],
      });
    });

    it("lists the paths that a change of config changes", async () => {
      const { created, deleted, updated } = await against(
        "--set",
        "mode=capacity",
        "--against",
        "mode=cost",
      );
      assert.deepEqual([created, deleted], [[], []]);
      assert.deepEqual(updated, [
        {
          urn: route,
          type: "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
          paths: [
            "metadata.annotations.mode",
            "spec.rules[0].backendRefs[0].name",
            "spec.rules[0].backendRefs[0].weight",
            "spec.rules[0].backendRefs[1]",
          ],
        },
      ]);
    });

    it("honours ignoreChanges", async () => {
      const { updated } = await against(
        "--set",
        "mode=capacity",
        "failover=true",
        "--against",
        "failover=true",
      );
      assert.deepEqual(updated[0].paths, ["metadata.annotations.mode"]);
    });

    it("compares with another stack, resources by what they are there", async () => {
      const { created, deleted, updated } = await against(
        "--against",
        "prod",
        "units.three={weight: 3}",
      );
      assert.deepEqual(created, []);
      assert.deepEqual(deleted, ["urn:pulumi:prod::small::kubernetes:apps/v1:Deployment::three"]);
      assert.deepEqual(
        updated.map(({ urn }: { urn: string }) => urn),
        [route],
      );
    });

    it("says it to people with old and new values", async () => {
      const args = ["plan", "--set", "mode=capacity", "--against", "mode=cost"];
      const { stdout } = await fleet("small", args);
      assert.match(stdout, /^From dev with mode=cost to dev with mode=capacity$/m);
      assert.match(stdout, /^~ HTTPRoute route\n {4}one 60, two 40 → all 1$/m);
      assert.match(stdout, /backendRefs\[0\]\.weight: 60 → 1$/m);
      assert.match(stdout, /^0 to create, 1 to update, 0 to delete, \d+ as they are\.$/m);
    });
  });

  it("refuses wrong use with status 2, a reason, and nothing on stdout", async () => {
    const cases: [string[], RegExp][] = [
      [["plan", "--stack", "prd"], /no stack "prd".*dev, prod.*"prod"/],
      [["plan", "--set", "mode"], /"mode" is not PATH=VALUE/],
      [["plan", "--set", "mode=[a"], /not YAML/],
      [["plan", "--against", "nowhere"], /no stack "nowhere"/],
      [["plan", "--nonsense"], /unknown option '--nonsense'/],
      [["plan", "dev"], /too many arguments/],
      [["paln"], /unknown command 'paln'.*\n.*plan/],
      [["bench", "plans"], /no bench "plans".*Did you mean "plan"/],
    ];
    const ended = await Promise.all(cases.map(([args]) => fleet("small", args)));
    for (const [index, { status, stdout, stderr }] of ended.entries()) {
      const [args, message] = cases[index] as [string[], RegExp];
      assert.deepEqual([status, stdout], [2, ""], args.join(" "));
      assert.match(stderr, message);
    }
  });
});
