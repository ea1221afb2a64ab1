import assert from "node:assert/strict";
import { parse, stringify } from "smol-toml";
import { type ImageCacheSettingsArgs, imageCacheSettings } from "../../components/nodeVolumes";

function settings(more: Partial<ImageCacheSettingsArgs>) {
  return imageCacheSettings({
    cache: "soci",
    instanceStore: false,
    dataVolumeGiB: 100,
    initializationRateMiBps: 300,
    ...more,
  });
}

const snapshotId = "snap-0123456789abcdef0";
const everyCase = [
  settings({ cache: "none" }),
  settings({ cache: "soci" }),
  settings({ cache: "soci", instanceStore: true }),
  settings({ cache: "snapshot" }),
  settings({ cache: "snapshot", snapshotId, instanceStore: true }),
];

describe("a node's volumes", () => {
  it("are encrypted and go with the node, whatever the cache", () => {
    for (const { blockDeviceMappings } of everyCase) {
      assert.deepEqual(
        blockDeviceMappings.map(({ deviceName }) => deviceName),
        ["/dev/xvda", "/dev/xvdb"],
      );
      for (const { ebs } of blockDeviceMappings) {
        assert.equal(ebs.encrypted, true);
        assert.equal(ebs.deleteOnTermination, true);
      }
    }
  });

  it("use the instance stores with SOCI, and a fast gp3 volume where there are none", () => {
    const stored = settings({ instanceStore: true });
    assert.equal(stored.instanceStorePolicy, "RAID0");
    assert.equal(stored.blockDeviceMappings[1]?.ebs.throughput, undefined);
    const inf2 = settings({ instanceStore: false });
    assert.equal(inf2.instanceStorePolicy, undefined);
    assert.equal(inf2.blockDeviceMappings[1]?.ebs.throughput, 600);
  });

  it("keep within gp3's bounds", () => {
    for (const { blockDeviceMappings } of everyCase)
      for (const { ebs } of blockDeviceMappings) {
        const { iops = 3000, throughput = 125 } = ebs;
        assert.ok(iops >= 3000 && throughput >= 125 && throughput <= iops / 4);
      }
  });

  it("start from the snapshot at the set rate, never on RAID 0, which would hide it", () => {
    const cached = settings({ cache: "snapshot", snapshotId, instanceStore: true });
    assert.equal(cached.instanceStorePolicy, undefined);
    assert.equal(cached.blockDeviceMappings[1]?.ebs.snapshotID, snapshotId);
    assert.equal(cached.blockDeviceMappings[1]?.ebs.volumeInitializationRate, 300);
    assert.deepEqual(cached.bottlerocketSettings, {});
  });

  it("fall back to SOCI until there is a snapshot", () => {
    assert.deepEqual(settings({ cache: "snapshot" }), settings({ cache: "soci" }));
    assert.deepEqual(
      settings({ cache: "snapshot", instanceStore: true }),
      settings({ cache: "soci", instanceStore: true }),
    );
  });

  it("switch SOCI on by settings that survive TOML", () => {
    const { bottlerocketSettings } = settings({ cache: "soci" });
    // Parsed tables have no prototype.
    const parsed = structuredClone(parse(stringify(bottlerocketSettings)));
    assert.deepEqual(parsed, bottlerocketSettings);
    assert.deepEqual(bottlerocketSettings["container-runtime"], { snapshotter: "soci" });
    assert.deepEqual(settings({ cache: "none" }).bottlerocketSettings, {});
  });

  it("are one volume on AL2023, and no settings of Bottlerocket", () => {
    const al2023 = settings({ nodeImage: "al2023", instanceStore: true });
    assert.deepEqual(
      al2023.blockDeviceMappings.map(({ deviceName, ebs }) => [deviceName, ebs.volumeSize]),
      [["/dev/xvda", "100Gi"]],
    );
    assert.deepEqual(al2023.bottlerocketSettings, {});
    assert.equal(al2023.instanceStorePolicy, undefined);
  });

  it("refuse what EBS refuses", () => {
    assert.throws(() => settings({ dataVolumeGiB: 0 }), RangeError);
    assert.throws(() => settings({ initializationRateMiBps: 500 }), RangeError);
  });
});
