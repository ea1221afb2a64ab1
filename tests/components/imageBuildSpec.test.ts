import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildspec, youngestCache } from "../../components/imageBuildSpec";
import { describeWithPython } from "../python/python";

const url = "123456789012.dkr.ecr.us-west-2.amazonaws.com/fleet-cuda";
const { pre_build, build } = buildspec.phases;

describe("The buildspec of an image", () => {
  const folder = mkdtempSync(join(tmpdir(), "buildspec-"));
  const journal = join(folder, "calls");
  after(() => rmSync(folder, { recursive: true }));

  /** Runs all commands as CodeBuild does, with programs that only write down what they were told. */
  function run(cacheAnswer: string, dockerStatus = 0) {
    const program = (name: string, body: string) => {
      const lines = [
        "#!/bin/bash",
        // In one go: two of them may run at once.
        `line=$(printf '%s' ${name}; printf ' <%s>' "$@")`,
        `printf '%s\\n' "$line" >> ${journal}`,
      ];
      writeFileSync(join(folder, name), [...lines, body, ""].join("\n"));
      chmodSync(join(folder, name), 0o755);
    };
    writeFileSync(journal, "");
    program(
      "aws",
      `if [ "$2" = describe-images ]; then echo '${cacheAnswer}'; else echo secret; fi`,
    );
    program(
      "docker",
      `if [ "$1" = login ]; then cat > ${folder}/password; fi; exit ${dockerStatus}`,
    );
    const script = ["set -e", ...pre_build.commands, ...build.commands].join("\n");
    const { status, stderr } = spawnSync("bash", ["-c", script], {
      encoding: "utf8",
      env: {
        PATH: `${folder}:${process.env.PATH}`,
        IMAGE_TAG: "0123456789abcdef",
        REPOSITORY_NAME: "fleet-cuda",
        REPOSITORY_URL: url,
        DOCKERFILE: "Dockerfile.cuda",
      },
    });
    return { status, stderr, calls: readFileSync(journal, "utf8").trim().split("\n") };
  }

  it("is a bash that bash can read", () => {
    for (const command of [...pre_build.commands, ...build.commands]) {
      const { status, stderr } = spawnSync("bash", ["-n"], { input: command, encoding: "utf8" });
      assert.equal(status, 0, stderr);
    }
  });

  it("logs in to the repository's registry, and to no other, with a password that no list shows", () => {
    const { status, stderr, calls } = run("null");
    assert.equal(status, 0, stderr);
    const registry = url.split("/")[0];
    assert.deepEqual(
      calls.filter((call) => call.includes("<login>")),
      [`docker <login> <--username> <AWS> <--password-stdin> <${registry}>`],
    );
    assert.equal(readFileSync(join(folder, "password"), "utf8"), "secret\n");
  });

  it("pushes one image for x86-64 under the sources' tag, and every stage's layers beside it", () => {
    const image = run("null").calls.at(-1)!;
    assert.match(image, /^docker <buildx> <build> <--platform> <linux\/amd64> /);
    assert.ok(image.includes(" <--file> <Dockerfile.cuda> "));
    assert.ok(image.includes(` <--tag> <${url}:0123456789abcdef> `));
    assert.ok(
      image.includes(` <--cache-to> <type=registry,ref=${url}:cache-0123456789abcdef,mode=max`),
    );
    assert.ok(image.endsWith(" <--push> <.>"));
  });

  it("begins with the layers of the build before, if there was one", () => {
    const from = (answer: string) =>
      / <--cache-from> <([^>]*)>/.exec(run(answer).calls.at(-1)!)?.[1];
    assert.equal(
      from('"cache-fedcba9876543210"'),
      `type=registry,ref=${url}:cache-fedcba9876543210`,
    );
    assert.equal(from("null"), undefined);
    // The list could not be had: a build without it is only slower.
    assert.equal(from(""), undefined);
  });

  it("fails where Docker does", () => {
    assert.notEqual(run("null", 1).status, 0);
  });
});

describeWithPython("The youngest of the layers that builds have kept", ["jmespath"], (ask) => {
  const chosen = (imageDetails: readonly object[]) =>
    ask("jmespath_search.py", { expression: youngestCache, document: { imageDetails } });

  it("is found among images, as ECR lists them", () => {
    const image = (imagePushedAt: string, ...imageTags: string[]) => ({ imagePushedAt, imageTags });
    assert.equal(
      chosen([
        image("2026-11-01T10:00:00+00:00", "cache-a1"),
        image("2026-11-03T10:00:00+00:00", "0.1.0", "cache-b2"),
        image("2026-11-02T10:00:00+00:00", "cache-c3"),
        image("2026-11-04T10:00:00+00:00", "d4"),
      ]),
      "cache-b2",
    );
  });

  it("is null where there is none", () => {
    assert.equal(chosen([]), null);
    assert.equal(chosen([{ imagePushedAt: "2026-11-04T10:00:00+00:00", imageTags: ["d4"] }]), null);
  });
});
