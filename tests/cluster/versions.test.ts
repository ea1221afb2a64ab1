import assert from "node:assert/strict";
import { defaultVersion } from "./controlPlane/controlPlane";
import { kubernetesVersion } from "./controlPlane/versions";
import { environments } from "./environments";
import { describeOnApiServer } from "./onApiServer";
import { plannedObjects } from "./plannedObjects";
import { warningsOf } from "./warnings";

/** kube-apiserver can behave as its own minor version and as the three before it. */
const OLDER_MINORS = 3;

const [major, newest] = kubernetesVersion.split(".").map(Number) as [number, number];
const versions = Array.from(
  { length: OLDER_MINORS + 1 },
  (_, behind) => `${major}.${newest - behind}`,
);

describe("The pinned Kubernetes version", () => {
  it("can stand in for the version that a cluster has by default", () => {
    assert.ok(versions.includes(defaultVersion), `${defaultVersion} is none of ${versions}`);
  });
});

const extremes = [versions[0], versions.at(-1)] as [string, string];
for (const version of extremes.filter((other) => other !== defaultVersion))
  describeOnApiServer(
    `Kubernetes ${version}`,
    (server) => {
      it("accepts everything that the config can switch on, without a warning", async () => {
        const plan = await environments["prod with everything on"]("cost");
        assert.deepEqual(await warningsOf(server(), plannedObjects(plan)), []);
      });
    },
    async () => ({ version }),
  );
