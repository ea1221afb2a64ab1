import assert from "node:assert/strict";
import type { WireObject } from "../../cli/plan/wire";
import { deployed } from "./deployed";
import type { Cloud, CloudObject } from "./double/cloud";
import { describeOnEngine } from "./engineSuite";
import { changesIn, resourcesOf } from "./state";
import { textOf, type World } from "./world";

describeOnEngine("drift", () => {
  let world: World;
  let route: CloudObject;
  let bucket: CloudObject;
  let policy: CloudObject;
  let before_: Readonly<Record<string, unknown>>;

  before(async () => {
    world = await deployed("dev");
    before_ = inputsById(world.cloud);
    route = theOne(world.cloud, "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute");
    bucket = theOne(world.cloud, "aws:s3/bucket:Bucket", "models");
    policy = theOne(world.cloud, "aws:s3/bucketPolicy:BucketPolicy", "models");
    world.cloud.drift(route.urn, withWeight(90));
    world.cloud.drift(bucket.urn, withTag("owner", "somebody else"));
    world.cloud.lose(policy.urn);
  });

  after(() => world.close());

  it("in weights and tags, and a bucket policy that is gone, is what a refresh finds", async () => {
    const ended = await world.refresh();
    assert.equal(ended.status, 0, textOf(ended));
    assert.match(ended.stdout, /~ 2 updated/);
    assert.match(ended.stdout, /- 1 deleted/);
    const state = resourcesOf(await world.exportState());
    const inputsOf = (urn: string) => state.find((resource) => resource.urn === urn)?.inputs;
    assert.deepEqual(inputsOf(route.urn), withWeight(90)(route.inputs));
    assert.deepEqual(inputsOf(bucket.urn), withTag("owner", "somebody else")(bucket.inputs));
    assert.equal(inputsOf(policy.urn), undefined);
    assert.deepEqual(world.cloud.operations, [], "a refresh only reads");
  });

  it("is all that the next preview wants to undo", async () => {
    const changes = changesIn(await world.preview()).map(({ op, urn, detailedDiff }) => ({
      op,
      urn,
      paths: Object.keys(detailedDiff ?? {}),
    }));
    assert.deepEqual(
      new Set(changes),
      new Set([
        { op: "update", urn: route.urn, paths: ["spec.rules[0].backendRefs[0].weight"] },
        { op: "update", urn: bucket.urn, paths: ["tags.owner"] },
        { op: "create", urn: policy.urn, paths: [] },
      ]),
    );
  });

  it("is gone after the next up", async () => {
    const ended = await world.up();
    assert.equal(ended.status, 0, textOf(ended));
    assert.deepEqual(inputsById(world.cloud), before_);
  });
});

function theOne(cloud: Cloud, type: string, name = ""): CloudObject {
  const found = cloud.objects.filter(
    (object) => object.type === type && object.urn.endsWith(`::${name}`.replace(/^::$/, "")),
  );
  assert.equal(found.length, 1, `${found.length} are ${type} ${name}`);
  return structuredClone(found[0]!);
}

function withWeight(weight: number) {
  return (inputs: WireObject): WireObject => {
    // biome-ignore lint/suspicious/noExplicitAny: a manifest, by path
    const changed = structuredClone(inputs) as any;
    changed.spec.rules[0].backendRefs[0].weight = weight;
    return changed;
  };
}

function withTag(key: string, value: string) {
  return (inputs: WireObject): WireObject => ({
    ...inputs,
    tags: { ...(inputs.tags as WireObject), [key]: value },
  });
}

function inputsById({ objects }: Cloud): Readonly<Record<string, unknown>> {
  return Object.fromEntries(objects.map(({ type, id, inputs }) => [`${type} ${id}`, inputs]));
}
