import assert from "node:assert/strict";
import { headerLines } from "../../cli/plan/header";
import type { Plan } from "../../cli/plan/makePlan";
import { failoverSettingsSchema, PROBE_LABEL } from "../../contracts/failover";
import { UNIT_LABEL } from "../../contracts/labels";
import { modelRouteTableSchema } from "../../contracts/routeTable";
import { routingModes } from "../../fleet/targets";
import {
  changesBetween,
  type Manifest,
  manifest,
  manifests,
  manifestsOf,
  ofKind,
  ofType,
  planOf,
} from "./planned";

const ON = "failover.enabled=true";

function tableOf(plan: Plan, model = "sd21") {
  const { data } = manifest(plan, "ConfigMap", "route-tables");
  return modelRouteTableSchema.parse(JSON.parse(data[`${model}.json`]));
}

function probesOf(plan: Plan): readonly Manifest[] {
  return manifests(plan, "Deployment").filter(({ metadata }) => metadata.labels[PROBE_LABEL]);
}

describe("The route tables", () => {
  for (const mode of routingModes)
    it(`hold, as they stand in the cluster, the rules and triggers of ${mode} mode`, async () => {
      const plan = await planOf("dev", `mode=${mode}`);
      const table = tableOf(plan);
      assert.equal(table.configuredMode, mode);
      assert.deepEqual(manifest(plan, "HTTPRoute", "sd21").spec.rules, table.modes[mode].rules);
      for (const { metadata, spec } of manifestsOf(plan, "ScaledObject"))
        assert.deepEqual(spec.triggers, table.modes[mode].triggers[metadata.name]);
    });

  it("say the same in both modes' plans, but for which of them is configured", async () => {
    const [cost, capacity] = [await planOf("dev"), await planOf("dev", "mode=capacity")];
    assert.deepEqual({ ...tableOf(cost), configuredMode: "capacity" }, tableOf(capacity));
  });

  it("swap the two rules' backends from mode to mode, and nothing else", async () => {
    const { modes } = tableOf(await planOf("dev"));
    const [live, standby] = modes.cost.rules;
    assert.deepEqual(modes.capacity.rules, [
      { ...live, backendRefs: standby!.backendRefs },
      { ...standby, backendRefs: live!.backendRefs },
    ]);
  });

  it("name the filter of every rule as it is called, and wait for it", async () => {
    const plan = await planOf("dev", "gateway.stickiness={durationSeconds: 60}");
    const [filter] = ofKind(plan, "ListenerRuleConfiguration");
    for (const mode of routingModes)
      for (const { filters } of tableOf(plan).modes[mode].rules)
        assert.equal(
          (filters as Manifest)[0].extensionRef.name,
          (filter!.inputs.metadata as Manifest).name,
        );
    const [route] = ofKind(plan, "HTTPRoute");
    assert.ok(route!.dependencies.includes(filter!.urn));
  });

  it("know each unit's NodePool, device, machine's price and probe", async () => {
    for (const plan of [await planOf("dev"), await planOf("dev", ON)]) {
      const { units } = tableOf(plan);
      assert.equal(Object.keys(units).length, 5);
      for (const [name, { nodePool, device, machinePricePerHour, probe }] of Object.entries(
        units,
      )) {
        const pool = manifest(plan, "NodePool", nodePool);
        assert.equal(pool.metadata.labels[UNIT_LABEL], name);
        assert.ok(device in pool.spec.limits);
        const summary = plan.summary.units.find(({ unit }) => unit === name)!;
        assert.equal(machinePricePerHour, summary.pricePerHour, "one device, one machine");
        const probes = probesOf(plan).map(({ metadata }) => metadata.name);
        assert.equal(probe, probes.length === 0 ? undefined : `${name}-probe`);
        if (probe !== undefined) assert.ok(probes.includes(probe));
      }
    }
  });

  it("know how many kinds of capacity a unit may have, and how long an empty machine stays", async () => {
    const known = async (...assignments: string[]) => {
      const { units } = tableOf(await planOf("dev", ON, ...assignments));
      const { capacityTypes, emptyMachineSeconds } = units["sd21-g5-triton"]!;
      return [capacityTypes, emptyMachineSeconds];
    };
    const types = (list: string) => `units.sd21-g5-triton.capacityTypes=[${list}]`;
    assert.deepEqual(await known(), [1, 600]);
    assert.deepEqual(
      await known(types("spot, on-demand"), "nodes.consolidateAfter=1h1m1s"),
      [2, 3661],
    );
    assert.deepEqual(await known(types("spot, spot"), "nodes.consolidateAfter=0s"), [1, 0]);
    assert.deepEqual(await known("nodes.consolidateAfter=Never"), [1, undefined]);
    const { units } = tableOf(await planOf("dev", "nodes.consolidateAfter=Never"));
    for (const unit of Object.values(units)) assert.ok(!("emptyMachineSeconds" in unit));
  });

  it("have the price that the config names for a machine", async () => {
    const plan = await planOf("dev", "units.sd21-inf2-neuron.pricePerHour=0.3");
    assert.equal(tableOf(plan).units["sd21-inf2-neuron"]!.machinePricePerHour, 0.3);
  });
});

describe("Fail-over", () => {
  it("is off in dev, where nothing of it is there but where its image is pushed to", async () => {
    const plan = await planOf("dev");
    assert.equal(plan.summary.failover, undefined);
    assert.deepEqual(
      plan.document.resources
        .filter(({ name }) => /failover|probe/.test(name))
        .map(({ type }) => type),
      [
        "diffusion-fleet:index:ContainerImage",
        "diffusion-fleet:index:ImageRepository",
        "aws:ecr/repository:Repository",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
      ],
    );
  });

  it("is on in prod, with its settings, its controller and a probe for each unit", async () => {
    const plan = await planOf("prod");
    const { data } = manifest(plan, "ConfigMap", "failover-settings");
    assert.deepEqual(
      failoverSettingsSchema.parse(JSON.parse(data["settings.json"])),
      failoverSettingsSchema.parse({}),
    );
    assert.equal(manifest(plan, "Deployment", "failover-controller").spec.replicas, 2);
    assert.equal(probesOf(plan).length, 5);
  });

  it("lets Pulumi take rules and triggers back when it is turned off, by force and at once", async () => {
    for (const mode of routingModes) {
      const { updated, deleted } = changesBetween(
        await planOf("dev", ON, `mode=${mode}`),
        await planOf("dev", `mode=${mode}`),
      );
      for (const kind of ["HTTPRoute", "ScaledObject"]) {
        const objects = updated.filter(({ type }) => type.endsWith(`:${kind}`));
        assert.equal(objects.length, kind === "HTTPRoute" ? 1 : 5, "written again, all of them");
        for (const { after } of objects)
          assert.equal(
            (after.inputs.metadata as Manifest).annotations["pulumi.com/patchForce"],
            "true",
          );
      }
      assert.deepEqual(
        deleted.filter(({ type }) => type.startsWith("aws:ecr/")),
        [],
        "the image stays",
      );
    }
  });

  it("lets no Service, budget or autoscaler of a unit or model choose a probe", async () => {
    const plan = await planOf("dev", ON);
    const chosen = (selector: Record<string, string>, pod: Record<string, string>) =>
      Object.entries(selector).every(([key, value]) => pod[key] === value);
    assert.equal(probesOf(plan).length, 5);
    for (const { spec, metadata } of probesOf(plan)) {
      const pod = spec.template.metadata.labels;
      for (const service of manifests(plan, "Service"))
        assert.ok(!chosen(service.spec.selector, pod), service.metadata.name);
      for (const budget of manifests(plan, "PodDisruptionBudget"))
        assert.ok(!chosen(budget.spec.selector.matchLabels, pod), budget.metadata.name);
      for (const { spec: scaled } of manifests(plan, "ScaledObject"))
        assert.notEqual(scaled.scaleTargetRef.name, metadata.name);
    }
  });

  it("makes way: a probe is worth less than headroom, and pushes nothing aside", async () => {
    const plan = await planOf("dev", ON, "units.sd21-g5-cuda.headroom=1");
    const [headroom, probe] = ["headroom", "capacity-probe"].map((name) =>
      manifest(plan, "PriorityClass", `diffusion-fleet-dev-${name}`),
    );
    assert.ok(probe.value < headroom.value && headroom.value < 0);
    assert.equal(probe.preemptionPolicy, "Never");
    for (const { spec } of probesOf(plan))
      assert.match(spec.template.spec.priorityClassName, /capacity-probe/);
  });

  it("leaves a NodePool room for a probe beside all replicas, headroom, and a node to replace", async () => {
    const limits = (plan: Plan) =>
      manifestsOf(plan, "NodePool").map(({ spec }) => Number(Object.values(spec.limits)[0]));
    const [without, withProbes] = [await planOf("dev"), await planOf("dev", ON)];
    assert.deepEqual(
      limits(withProbes),
      limits(without).map((limit) => limit + 1),
    );
    assert.deepEqual(limits(await planOf("dev", ON, "failover.probeMinutes=0")), limits(without));
  });

  it("tells nobody of a switch with notify: false, and may not", async () => {
    const policyOf = (plan: Plan) =>
      String(
        ofType(plan, "aws:iam/rolePolicy:RolePolicy").find(
          ({ name }) => name === "failover-controller",
        )!.inputs.policy,
      );
    assert.match(policyOf(await planOf("dev", ON)), /sns:Publish/);
    assert.doesNotMatch(policyOf(await planOf("dev", ON, "failover.notify=false")), /sns:|kms:/);
  });

  it("has no probes, nor a right to scale any, with probeMinutes: 0", async () => {
    const plan = await planOf("dev", ON, "failover.probeMinutes=0");
    assert.equal(probesOf(plan).length, 0);
    assert.doesNotMatch(JSON.stringify(manifests(plan, "Role")), /scale"/);
    assert.match(plan.summary.failover!, /without capacity probes/);
  });

  it("may write to all models' routes and all units' ScaledObjects and probes, and to no other", async () => {
    const plan = await planOf("prod");
    const written = manifest(plan, "Role", "failover-controller").rules.flatMap(
      ({ resources, resourceNames, verbs }: Manifest) =>
        resourceNames !== undefined && (verbs.includes("patch") || verbs.includes("update"))
          ? [[resources[0], [...resourceNames].sort()]]
          : [],
    );
    const names = (kind: string) =>
      manifests(plan, kind)
        .map(({ metadata }) => metadata.name)
        .sort();
    assert.deepEqual(Object.fromEntries(written), {
      httproutes: names("HTTPRoute"),
      scaledobjects: names("ScaledObject"),
      "deployments/scale": probesOf(plan)
        .map(({ metadata }) => metadata.name)
        .sort(),
      configmaps: ["failover-status"],
      leases: names("Lease"),
    });
  });

  it("has its image from the program's repository, the user's by digest, or a build", async () => {
    const imageOf = (plan: Plan) =>
      manifest(plan, "Deployment", "failover-controller").spec.template.spec.containers[0].image;
    assert.equal(
      imageOf(await planOf("dev", ON, "failover.controller.tag=1.2.3")),
      "<output of failover-controller.repositoryUrl>:1.2.3",
    );
    const digest = `sha256:${"a".repeat(64)}`;
    const theirs = await planOf(
      "dev",
      ON,
      "failover.controller.repository=ghcr.io/team/controller",
      `failover.controller.digest=${digest}`,
    );
    assert.equal(imageOf(theirs), `ghcr.io/team/controller@${digest}`);
    assert.deepEqual(
      ofType(theirs, "aws:ecr/repository:Repository").filter(({ name }) => /failover/.test(name)),
      [],
    );
  });

  it("says what probes may cost, and counts them in the most that an hour costs", async () => {
    const [without, plan] = [await planOf("dev"), await planOf("dev", ON)];
    const machines = plan.summary.units.reduce((sum, { pricePerHour }) => sum + pricePerHour, 0);
    assert.match(plan.summary.failover!, /up to 15 minutes, at most \$4\.92 an hour/);
    const { min, max } = plan.summary.cost.usd;
    assert.equal(min, without.summary.cost.usd.min);
    assert.ok(Math.abs(max - without.summary.cost.usd.max - machines) < 1e-9);
    const printed = headerLines(plan.document, plan.summary, (_, text) => text).join("\n");
    assert.match(printed, /capacity probes 0\.00–4\.92/);
    assert.ok(printed.replaceAll("\n", " ").includes(plan.summary.failover!));
  });

  it("warns that nobody fails over before the controller's image is pushed", async () => {
    const warnings = async (...more: string[]) =>
      (await planOf("dev", ON, ...more)).summary.warnings.filter((text) =>
        /controller.*Push it/.test(text),
      );
    assert.match((await warnings())[0]!, /the tag 0\.1\.0.* Push it first, else nobody fails over/);
    const digest = `failover.controller.digest=sha256:${"a".repeat(64)}`;
    assert.deepEqual(await warnings(digest), []);
    assert.deepEqual(await warnings("failover.controller.source=local"), []);
  });

  it("warns where it can move nothing", async () => {
    const warnings = async (...more: string[]) =>
      (await planOf("dev", ON, ...more)).summary.warnings;
    const about = (all: readonly string[]) => all.filter((text) => /^fail-over: /.test(text));
    assert.deepEqual(about(await warnings()), []);
    const others = ["trn1-neuron", "g5-triton", "g6-triton", "g5-cuda"];
    assert.match(
      about(await warnings(...others.map((unit) => `units.sd21-${unit}=`)))[0]!,
      /sd21 has one unit/,
    );
    assert.match(
      about(await warnings("failover.strategy=reweight", "mode=capacity"))[0]!,
      /reweight.*capacity mode/,
    );
    assert.deepEqual(about(await warnings("failover.strategy=reweight")), []);
  });
});
