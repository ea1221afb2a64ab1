import assert from "node:assert/strict";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { RUNTIME_LABEL, UNIT_LABEL } from "../../contracts/labels";
import { changesBetween, type Manifest, ofKind, planOf, waitsFor } from "./planned";

/**
 * Pulumi deletes in the reverse of the order in which it creates, so one edge shows both: a custom
 * resource comes after its controller and CRDs, and goes before them.
 */

const controllers: readonly { kinds: readonly string[]; releases: readonly string[] }[] = [
  { kinds: ["NodePool", "EC2NodeClass"], releases: ["karpenter", "karpenter-crd"] },
  { kinds: ["ScaledObject", "ClusterTriggerAuthentication"], releases: ["keda"] },
  {
    kinds: [
      "Gateway",
      "GatewayClass",
      "HTTPRoute",
      "LoadBalancerConfiguration",
      "TargetGroupConfiguration",
    ],
    releases: ["aws-load-balancer-controller"],
  },
  {
    kinds: ["PersistentVolume", "PersistentVolumeClaim"],
    releases: ["aws-mountpoint-s3-csi-driver"],
  },
];

/** What a Deployment waits for, by whether its pods serve images or only hold devices. */
const beforeServers = [
  "karpenter",
  "aws-mountpoint-s3-csi-driver",
  "neuron-helm-chart",
  "nvidia-device-plugin",
  "aws-load-balancer-controller",
];
const beforePlaceholders = ["karpenter", "neuron-helm-chart", "nvidia-device-plugin"];

const manifestsOf: readonly { kinds: readonly string[]; file: RegExp }[] = [
  { kinds: ["Gateway", "GatewayClass", "HTTPRoute"], file: /gateway-api\/releases\/download/ },
  {
    kinds: ["LoadBalancerConfiguration", "TargetGroupConfiguration"],
    file: /aws-load-balancer-controller.*gateway-crds\.yaml/,
  },
];

function releaseNamed(plan: Plan, name: string): PlannedResource {
  const found = plan.document.resources.filter(
    ({ type, inputs }) => type === "kubernetes:helm.sh/v3:Release" && inputs.name === name,
  );
  assert.equal(found.length, 1, `one release ${name}`);
  return found[0]!;
}

function unitOf({ inputs }: PlannedResource): string | undefined {
  return (inputs.metadata as Manifest).labels[UNIT_LABEL];
}

function assertAfter(plan: Plan, later: PlannedResource, earlier: PlannedResource): void {
  assert.ok(
    waitsFor(plan, later.urn).has(earlier.urn),
    `${later.urn} is not created after, nor deleted before, ${earlier.urn}`,
  );
}

for (const stack of ["dev", "prod"])
  describe(`The order of ${stack}`, () => {
    let plan: Plan;
    before(async () => {
      plan = await planOf(stack);
    });

    for (const { kinds, releases } of controllers)
      for (const kind of kinds)
        for (const name of releases)
          it(`creates every ${kind} after ${name} and deletes it before`, () => {
            const objects = ofKind(plan, kind);
            assert.ok(objects.length > 0, `there is no ${kind}`);
            for (const object of objects) assertAfter(plan, object, releaseNamed(plan, name));
          });

    for (const name of new Set([...beforeServers, ...beforePlaceholders]))
      it(`creates every Deployment on its machines after ${name} and deletes it before`, () => {
        const ofUnits = ofKind(plan, "Deployment").filter(unitOf);
        assert.ok(ofUnits.length >= 5);
        for (const deployment of ofUnits) {
          const needed =
            unitOf(deployment) === deployment.name ? beforeServers : beforePlaceholders;
          if (needed.includes(name)) assertAfter(plan, deployment, releaseNamed(plan, name));
        }
      });

    for (const { kinds, file } of manifestsOf)
      for (const kind of kinds)
        it(`creates every ${kind} after its CRDs and deletes it before`, () => {
          const crds = plan.document.resources.find(
            ({ type, inputs }) => type.endsWith(":ConfigFile") && file.test(String(inputs.file)),
          );
          assert.ok(crds, `no ConfigFile ${file}`);
          for (const object of ofKind(plan, kind)) assertAfter(plan, object, crds);
        });

    it("installs the CRDs that the load balancer controller looks for before it starts", () => {
      const controller = releaseNamed(plan, "aws-load-balancer-controller");
      const files = plan.document.resources.filter(({ type }) => type.endsWith(":ConfigFile"));
      assert.equal(files.length, 3);
      for (const crds of files) assertAfter(plan, controller, crds);
    });

    it("deletes routes before the Gateway, and the Gateway before its configuration and class", () => {
      const [gateway] = ofKind(plan, "Gateway");
      for (const route of ofKind(plan, "HTTPRoute")) assertAfter(plan, route, gateway!);
      for (const kind of ["LoadBalancerConfiguration", "GatewayClass"])
        for (const object of ofKind(plan, kind)) assertAfter(plan, gateway!, object);
    });

    it("takes a unit off the route before its Service and target group go", () => {
      for (const route of ofKind(plan, "HTTPRoute"))
        for (const kind of ["Service", "TargetGroupConfiguration"])
          for (const object of ofKind(plan, kind)) assertAfter(plan, route, object);
    });

    it("deletes pods before their machines, and machines before their class and Karpenter", () => {
      const pools = ofKind(plan, "NodePool");
      for (const deployment of ofKind(plan, "Deployment").filter(unitOf)) {
        const own = pools.find((pool) => unitOf(pool) === unitOf(deployment));
        assertAfter(plan, deployment, own!);
      }
      for (const pool of pools) {
        const { name } = (pool.inputs.spec as Manifest).template.spec.nodeClassRef;
        const own = ofKind(plan, "EC2NodeClass").find(
          ({ inputs }) => (inputs.metadata as Manifest).name === name,
        );
        assertAfter(plan, pool, own!);
      }
    });

    it("deletes ScaledObjects before what they scale", () => {
      for (const scaled of ofKind(plan, "ScaledObject")) {
        const target = ofKind(plan, "Deployment").find(
          ({ inputs }) =>
            (inputs.metadata as { name: string }).name ===
            (inputs.spec &&
              (scaled.inputs.spec as { scaleTargetRef: { name: string } }).scaleTargetRef.name),
        );
        assertAfter(plan, scaled, target!);
      }
    });

    it("keeps a controller's rights until its release has gone", () => {
      for (const name of [
        "karpenter",
        "keda",
        "aws-load-balancer-controller",
        "aws-mountpoint-s3-csi-driver",
      ]) {
        const needed = waitsFor(plan, releaseNamed(plan, name).urn);
        const types = [...needed].map((urn) => urn.split("::")[2]!);
        for (const type of [
          "aws:eks/podIdentityAssociation:PodIdentityAssociation",
          "aws:iam/rolePolicy:RolePolicy",
        ])
          assert.ok(
            types.some((t) => t.endsWith(type)),
            `${name} does not wait for ${type}`,
          );
      }
    });

    it("starts controllers after the system nodes and CoreDNS, and CoreDNS after the nodes", () => {
      const nodes = plan.document.resources.find(
        ({ type }) => type === "aws:eks/nodeGroup:NodeGroup",
      )!;
      const dns = plan.document.resources.find(({ name }) => name === "coredns")!;
      assertAfter(plan, dns, nodes);
      for (const { type, urn } of plan.document.resources)
        if (type === "kubernetes:helm.sh/v3:Release") {
          assert.ok(waitsFor(plan, urn).has(dns.urn), `${urn} does not wait for CoreDNS`);
        }
    });

    it("makes every release atomic, with a timeout", () => {
      for (const { type, inputs } of plan.document.resources)
        if (type === "kubernetes:helm.sh/v3:Release") {
          assert.equal(inputs.atomic, true);
          assert.ok(Number(inputs.timeout) >= 300);
        }
    });
  });

for (const enabled of [false, true])
  describe(`The order of route-tables with failover.enabled=${enabled}`, () => {
    const failover = `failover.enabled=${enabled}`;
    const filtered = [failover, "gateway.stickiness={durationSeconds: 60}"];
    let plan: Plan;
    before(async () => {
      plan = await planOf("dev", ...filtered);
    });

    const tablesOf = (its: Plan) =>
      ofKind(its, "ConfigMap").find(({ name }) => name === "route-tables")!;

    it("writes them after all that their rules name, for a controller to act on at once", () => {
      for (const [kind, count] of Object.entries({
        Service: 5 + 1,
        TargetGroupConfiguration: 5 + 1,
        ListenerRuleConfiguration: 1,
      })) {
        const objects = ofKind(plan, kind);
        assert.equal(objects.length, count, kind);
        for (const object of objects) assertAfter(plan, tablesOf(plan), object);
      }
    });

    it("does not hold them up for routes and ScaledObjects, nor these for them", () => {
      for (const kind of ["HTTPRoute", "ScaledObject"])
        for (const object of ofKind(plan, kind)) {
          assert.ok(!waitsFor(plan, tablesOf(plan).urn).has(object.urn), object.urn);
          assert.ok(!waitsFor(plan, object.urn).has(tablesOf(plan).urn), object.urn);
        }
    });

    // Pulumi deletes what is no longer in the program after all that it creates and updates.
    it("takes a unit out of them by an update, and so before its Service and target group go", async () => {
      const unit = "sd21-g6-triton";
      const without = await planOf("dev", ...filtered, `units.${unit}=`);
      const { updated, deleted } = changesBetween(plan, without);
      for (const type of ["core/v1:Service", "gateway.k8s.aws/v1:TargetGroupConfiguration"])
        assert.ok(
          deleted.some((it) => it.type === `kubernetes:${type}` && it.name === unit),
          `${type} stays`,
        );
      const tables = updated.find(({ urn }) => urn === tablesOf(plan).urn);
      assert.ok(tables, "they are deleted or not written");
      assert.ok(tables.changes.every(({ path }) => path.startsWith("data")));
      assert.match(JSON.stringify(tables.before.inputs), new RegExp(unit));
      assert.doesNotMatch(JSON.stringify(tables.after.inputs), new RegExp(unit));
      const remaining = new Set(without.document.resources.map(({ urn }) => urn));
      for (const urn of waitsFor(without, tables.urn)) assert.ok(remaining.has(urn), urn);
    });
  });

/** The asynchronous path's runtimes are no business of the controller's. */
function notQueued({ inputs }: PlannedResource): boolean {
  return (inputs.metadata as Manifest).labels[RUNTIME_LABEL] === undefined;
}

describe("The order of fail-over", () => {
  let plan: Plan;
  let controller: PlannedResource;
  before(async () => {
    plan = await planOf("dev", "failover.enabled=true");
    controller = ofKind(plan, "Deployment").find(({ name }) => name === "failover-controller")!;
  });

  for (const kind of ["HTTPRoute", "ScaledObject", "NodePool"])
    it(`starts the controller after every ${kind} and ends it before`, () => {
      const objects = ofKind(plan, kind).filter(notQueued);
      assert.ok(objects.length > 0);
      for (const object of objects) assertAfter(plan, controller, object);
    });

  it("starts the controller after its probes, its files, its rights, and CoreDNS", () => {
    const others = ofKind(plan, "Deployment").filter(
      (deployment) => deployment !== controller && notQueued(deployment),
    );
    assert.equal(others.length, 5 + 5);
    for (const kind of ["RoleBinding", "ClusterRoleBinding", "ConfigMap", "Lease"])
      others.push(...ofKind(plan, kind));
    others.push(plan.document.resources.find(({ name }) => name === "coredns")!);
    for (const object of others) assertAfter(plan, controller, object);
  });
});
