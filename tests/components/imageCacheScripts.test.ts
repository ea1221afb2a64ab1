import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import {
  chooseImages,
  cleanUp,
  pruneSnapshots,
  pullCommands,
} from "../../components/imageCacheScripts";

const harness = resolve(__dirname, "../python/image_cache_scripts.py");
const hasMoto = spawnSync("python3", ["-c", "import boto3, moto"]).status === 0;

describe("the image cache's shell", () => {
  it("is a script that a shell understands", () => {
    const script = pullCommands("a/b:1 c/d@sha256:0").join("\n");
    const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });

  it("asks for each image once, and stops at the first that cannot be had", () => {
    const stub =
      'apiclient() { case "$*" in *bad*) return 1;; *source*) shift $(($# - 1)); echo "$1";; esac; }';
    const run = (images: string) =>
      spawnSync("sh", ["-c", `${stub}\n${pullCommands(images).join("\n")}`], { encoding: "utf8" });
    assert.deepEqual(run("a:1 b@sha256:0").stdout.trim().split("\n"), ["a:1", "b@sha256:0"]);
    const failed = run("a:1 bad:1 c:1");
    assert.equal(failed.stdout.trim(), "a:1");
    assert.notEqual(failed.status, 0);
  });

  it("hands no credentials over", () => {
    assert.doesNotMatch(pullCommands("a:1").join("\n"), /password|AWS:|-u /);
  });
});

(hasMoto ? describe : describe.skip)(
  "the image cache's Python, against moto (needs python3 with moto)",
  () => {
    // biome-ignore lint/suspicious/noExplicitAny: whatever the harness prints
    let did: any;

    before(() => {
      const sources = {
        chooseImages: chooseImages.source,
        pruneSnapshots: pruneSnapshots.source,
        cleanUp: cleanUp.source,
      };
      const { status, stdout, stderr } = spawnSync("python3", [harness], {
        input: JSON.stringify(sources),
        encoding: "utf8",
      });
      assert.equal(status, 0, stderr);
      did = JSON.parse(stdout);
    });

    it("caches what the config names and is there, and what was pushed last", () => {
      assert.deepEqual(did.choices.first.images, [
        "NEURON:1.0",
        "NEURON:2.0",
        "registry.example/tool:3",
      ]);
    });

    it("names the same images by the same hash", () => {
      assert.match(did.choices.first.hash, /^[0-9a-f]{16}$/);
      assert.equal(did.choices.again.hash, did.choices.first.hash);
    });

    it("leaves the work to a younger execution of the same document, and to no other", () => {
      assert.equal(did.choices.youngest, false);
      assert.equal(did.choices.overtaken, true);
    });

    it("refuses to run for nothing, or for a name that a shell would read", () => {
      assert.match(did.choices.none, /push one first/);
      assert.match(did.choices.shell, /Not an image reference: a;reboot/);
    });

    it("keeps the youngest snapshots, the one in use and the published one, and others' alone", () => {
      const { deleted, ...left } = did.pruning;
      assert.ok(deleted >= 2 && deleted <= 3, `${deleted} deleted`);
      assert.deepEqual(left, { inUseLeft: true, publishedLeft: true, othersLeft: true });
    });

    it("terminates its own machine only, and deletes a snapshot that it did not publish", () => {
      assert.deepEqual(did.cleaning, {
        terminated: true,
        mine: "terminated",
        theirs: "running",
        publishedLeft: true,
        abandonedLeft: false,
      });
    });
  },
);
