import assert from "node:assert/strict";
import { pinned } from "../../charts/pinned";
import { release } from "../../charts/release";
import { construct } from "../mocks";

const chart = { name: "thing", version: "1.2.3" };

describe("a Helm release", () => {
  const create = (repository: string) =>
    construct(
      () =>
        void release("thing", { chart: { ...chart, repository }, namespace: "ns", values: {} }, {}),
    );

  it("comes from a repository by name, and from an OCI registry by its whole reference", async () => {
    const fromRepository = (await create("https://charts.example")).release("thing").inputs;
    assert.equal(fromRepository.chart, "thing");
    assert.deepEqual(fromRepository.repositoryOpts, { repo: "https://charts.example" });

    const fromRegistry = (await create("oci://registry.example/charts")).release("thing").inputs;
    assert.equal(fromRegistry.chart, "oci://registry.example/charts/thing");
    assert.equal(fromRegistry.repositoryOpts, undefined);
  });

  it("succeeds whole or not at all, under a fixed name and version", async () => {
    const { inputs } = (await create("https://charts.example")).release("thing");
    assert.equal(inputs.atomic, true);
    assert.equal(inputs.cleanupOnFail, true);
    assert.ok(inputs.timeout > 0);
    assert.equal(inputs.name, "thing");
    assert.equal(inputs.version, "1.2.3");
  });
});

describe("what is installed of others'", () => {
  it("is pinned to one version each, and listed once", () => {
    for (const { version } of pinned) assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.equal(new Set(pinned.map(({ name }) => name)).size, pinned.length);
  });

  it("comes from an address that names that version, where it is a file", () => {
    for (const { version, repository } of pinned) {
      if (repository.endsWith(".yaml")) assert.ok(repository.includes(`/v${version}/`), repository);
    }
  });
});
