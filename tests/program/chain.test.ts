import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../cli/plan/makePlan";
import { STACK_LABEL, UNIT_LABEL } from "../../contracts/labels";
import { accelerators } from "../../fleet/accelerators";
import { type Manifest, manifest, manifests, planOf, planOfConfig } from "./planned";

/** Configs with up to three models, each with up to five units on any accelerator. */
const configs = fc
  .array(fc.array(unitArbitrary(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 })
  .chain((models) =>
    fc.record({
      mode: fc.constantFrom("cost", "capacity"),
      models: fc.constant(
        Object.fromEntries(models.map((_, m) => [`model${m}`, { pathPrefix: `/m${m}` }])),
      ),
      units: fc.constant(
        Object.fromEntries(
          models.flatMap((units, m) =>
            units.map((unit, u) => [`unit${m}${u}`, { ...unit, model: `model${m}` }]),
          ),
        ),
      ),
      images: fc.record({ cache: fc.constantFrom("snapshot", "soci", "none") }),
    }),
  );

function unitArbitrary() {
  return fc.constantFrom(...Object.values(accelerators)).chain((accelerator) =>
    fc
      .uniqueArray(fc.constantFrom(...Object.values(accelerator.instanceTypes)), {
        minLength: 1,
        maxLength: 3,
        selector: (type) => type.name,
      })
      .chain((types) =>
        fc.record({
          accelerator: fc.constant(accelerator.name),
          framework: fc.constantFrom(...accelerator.frameworks),
          instanceTypes: fc.constant(types.map((type) => type.name)),
          devices: fc.integer({ min: 1, max: Math.min(...types.map((type) => type.devices)) }),
          pricePerHour: fc.double({ min: 0.1, max: 100, noNaN: true }),
          measurement: fc.record({
            throughput: fc.integer({ min: 1, max: 500 }),
            latencySeconds: fc.double({ min: 0.1, max: 30, noNaN: true }),
          }),
          headroom: fc.integer({ min: 0, max: 2 }),
          replicas: fc.record({
            min: fc.integer({ min: 1, max: 2 }),
            max: fc.integer({ min: 2, max: 50 }),
          }),
        }),
      ),
  );
}

/** Follows every unit from its machines to the load balancer, and fails where a link does not fit. */
function followUnits(plan: Plan): void {
  for (const unit of plan.summary.units) {
    const { spec: deployment } = manifest(plan, "Deployment", unit.unit);
    const pod = deployment.template;
    const nodePool = manifests(plan, "NodePool").find(
      ({ metadata }) => metadata.labels[UNIT_LABEL] === unit.unit,
    );
    const nodeClass = manifest(plan, "EC2NodeClass", nodePool.spec.template.spec.nodeClassRef.name);
    const accelerator = accelerators[unit.accelerator]!;

    followsToMachines(pod.spec, nodePool, accelerator.device);
    assert.ok(nodeClass.spec.amiSelectorTerms[0].alias);
    allowsAllReplicas(plan, unit.unit, unit.maxReplicas, nodePool, accelerator.device, pod);

    const service = manifest(plan, "Service", unit.unit);
    assert.ok(matches(service.spec.selector, pod.metadata.labels), "the Service selects the pods");
    assert.ok(matches(deployment.selector.matchLabels, pod.metadata.labels));
    assert.equal(portNamed(pod.spec, service.spec.ports[0].targetPort), 8000);
    const targetGroup = manifest(plan, "TargetGroupConfiguration", unit.unit);
    assert.equal(targetGroup.spec.targetReference.name, service.metadata.name);

    const scaledObject = manifest(plan, "ScaledObject", unit.unit);
    assert.equal(scaledObject.spec.scaleTargetRef.name, unit.unit);
    assert.match(
      scaledObject.spec.triggers[0].metadata.expression,
      new RegExp(`"${unit.unit}-counter"`),
    );
    assert.equal(scaledObject.spec.triggers.length, 2);
    assert.equal(deployment.replicas, undefined, "the autoscaler owns the replicas");
    followsToRoute(plan, unit.model, unit.unit, pod.metadata.labels);
  }
}

function followsToMachines(pod: Manifest, nodePool: Manifest, device: string): void {
  const { labels } = nodePool.spec.template.metadata;
  const { taints, startupTaints } = nodePool.spec.template.spec;
  assert.ok(matches(pod.nodeSelector, labels), "the pod's node selector finds its pool");
  assert.ok(pod.nodeSelector[STACK_LABEL], "and no other stack's in the same cluster");
  for (const taint of taints)
    assert.ok(
      pod.tolerations.some(
        (t: Manifest) =>
          t.key === taint.key &&
          t.effect === taint.effect &&
          (t.operator === "Exists" || t.value === taint.value),
      ),
      `nobody tolerates ${taint.key}`,
    );
  assert.deepEqual(
    startupTaints.map((taint: Manifest) => taint.key),
    ["s3.csi.aws.com/agent-not-ready"],
  );
  const { requests, limits } = pod.containers[0].resources;
  assert.equal(requests[device], limits[device]);
  assert.ok(Number(limits[device]) >= 1);
}

function allowsAllReplicas(
  plan: Plan,
  unit: string,
  maxReplicas: number,
  nodePool: Manifest,
  device: string,
  pod: Manifest,
): void {
  const perReplica = Number(pod.spec.containers[0].resources.limits[device]);
  const headroom = manifests(plan, "Deployment").find(
    ({ metadata }) => metadata.name === `${unit}-headroom`,
  );
  const placeholders = headroom?.spec.replicas ?? 0;
  const types: string[] = nodePool.spec.template.spec.requirements.find(
    ({ key }: Manifest) => key === "node.kubernetes.io/instance-type",
  ).values;
  // Whole machines of the size that wastes most devices still carry every replica.
  for (const type of types) {
    const { devices } = Object.values(accelerators).find((a) => a.instanceTypes[type])!
      .instanceTypes[type]!;
    const machines = Math.ceil((maxReplicas + placeholders) / Math.floor(devices / perReplica));
    assert.ok(
      Number(nodePool.spec.limits[device]) >= machines * devices,
      `${unit}: the pool's limit of ${nodePool.spec.limits[device]} devices is less than ${machines} ${type} have`,
    );
  }
}

function followsToRoute(plan: Plan, model: string, unit: string, podLabels: Manifest): void {
  const route = manifest(plan, "HTTPRoute", model);
  const gateway = manifest(plan, "Gateway", route.spec.parentRefs[0].name);
  assert.ok(
    gateway.spec.listeners.some(
      ({ name }: Manifest) => name === route.spec.parentRefs[0].sectionName,
    ),
  );
  const [live, standby] = route.spec.rules;
  assert.equal(live.matches[0].headers, undefined, "the first rule carries the traffic");
  assert.equal(standby.matches[0].headers.length, 1);
  const services = [...live.backendRefs, ...standby.backendRefs].map(({ name }: Manifest) => name);
  assert.ok(services.includes(unit), "the unit's target group is in one of the rules");
  assert.ok(services.includes(model), "the model's cross-unit target group is in the other");
  for (const rule of [live, standby]) assert.ok(rule.backendRefs.length <= 5);
  assert.ok(live.backendRefs.some(({ weight }: Manifest) => weight > 0));
  const service = manifest(plan, "Service", model);
  assert.ok(matches(service.spec.selector, podLabels), "the cross-unit Service selects the pods");
  assert.ok(manifest(plan, "TargetGroupConfiguration", model));
  const ports = [unit, model].map((name) => manifest(plan, "Service", name).spec.ports[0].port);
  assert.deepEqual(ports, [80, 80]);
  for (const { port } of live.backendRefs) assert.equal(port, 80);
}

function matches(selector: Manifest, labels: Manifest): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function portNamed(pod: Manifest, name: string): number {
  return pod.containers[0].ports.find((port: Manifest) => port.name === name).containerPort;
}

describe("Every unit's chain from machine to load balancer", () => {
  for (const stack of ["dev", "prod"])
    for (const mode of ["cost", "capacity"])
      it(`fits together in ${stack}, in ${mode} mode`, async () => {
        followUnits(await planOf(stack, `mode=${mode}`));
      });

  it("fits together in any valid config", async () => {
    await fc.assert(
      fc.asyncProperty(configs, async (config) => {
        followUnits(await planOfConfig("generated", config));
      }),
      { numRuns: 25 },
    );
  });
});
