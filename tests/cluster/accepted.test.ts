import assert from "node:assert/strict";
import type { KubernetesObject } from "./controlPlane/client";
import type { ControlPlane } from "./controlPlane/controlPlane";
import { hasSchema, loadBalancerCrdsMissing } from "./controlPlane/crds";
import { clusterVersion, environments } from "./environments";
import { describeOnApiServer } from "./onApiServer";
import { plannedObjects } from "./plannedObjects";
import { changed, revisions, type Stored, stored } from "./stored";
import { warningsOf } from "./warnings";

/** What a switch of mode may change of an object, by its kind. */
const switchable: Readonly<Record<string, RegExp>> = {
  HTTPRoute: /^spec\.rules\[\d+\]\.backendRefs\b/,
  ScaledObject: /^spec\.triggers\[\d+\]\.metadata\.targetMetricValue$/,
  ConfigMap: /^data\b/,
};

/** An environment's objects in both modes, and the Kubernetes version of its cluster. */
interface Objects {
  readonly version: string;
  readonly cost: readonly KubernetesObject[];
  readonly capacity: readonly KubernetesObject[];
}

for (const [name, planIn] of Object.entries(environments)) {
  let objects: Objects;

  describeOnApiServer(
    `The API server, given ${name},`,
    (server) => describeAcceptance(server, () => objects),
    async () => {
      const plan = await planIn("cost");
      objects = {
        version: clusterVersion(plan),
        cost: plannedObjects(plan),
        capacity: plannedObjects(await planIn("capacity")),
      };
      return { version: objects.version };
    },
  );
}

function describeAcceptance(server: () => ControlPlane, objects: () => Objects): void {
  /** What is stored after a mode's objects were applied. */
  async function after(mode: "cost" | "capacity"): Promise<Stored> {
    await warningsOf(server(), objects()[mode]);
    return stored(server().client, objects()[mode].filter(hasSchema));
  }

  it("behaves as the Kubernetes version that the cluster will have", async () => {
    const { emulationMajor, emulationMinor } = await server().client.get<{
      emulationMajor: string;
      emulationMinor: string;
    }>("/version");
    assert.equal(`${emulationMajor}.${emulationMinor}`, objects().version);
  });

  it("accepts every object in cost mode without a warning", async () => {
    assert.ok(objects().cost.length > 50, `only ${objects().cost.length} objects`);
    assert.deepEqual(await warningsOf(server(), objects().cost), []);
  });

  it("accepts every object in capacity mode without a warning", async () => {
    assert.equal(objects().capacity.length, objects().cost.length);
    assert.deepEqual(await warningsOf(server(), objects().capacity), []);
  });

  it("changes nothing when they are applied again", async () => {
    const first = await after("cost");
    const second = await after("cost");
    assert.deepEqual(changed(first, second), {});
    // Kinds whose status has defaults get them at their creation, and the second apply notes in
    // managedFields whose they are. From then on not even that is written.
    const third = await after("cost");
    assert.deepEqual(revisions(third), revisions(second));
  });

  it("changes the route, the targets and the ConfigMap, no more, when the mode does", async () => {
    const changes = Object.entries(changed(await after("cost"), await after("capacity")));
    const kindOf = (key: string) => key.split(" ")[0] as string;
    const kinds = new Set(changes.map(([key]) => kindOf(key)));
    assert.deepEqual([...kinds].sort(), Object.keys(switchable).sort());
    for (const [key, paths] of changes)
      for (const path of paths) assert.match(path, switchable[kindOf(key)]!, `${key} ${path}`);
  });

  it("has exactly the former content after a switch and back", async () => {
    const before = await after("cost");
    await after("capacity");
    assert.deepEqual(changed(before, await after("cost")), {});
  });

  const missing = loadBalancerCrdsMissing();
  if (missing !== undefined)
    describe.skip(`of the load balancer controller's kinds (skipped: ${missing})`, () => {
      it("accepts every object");
    });
}
