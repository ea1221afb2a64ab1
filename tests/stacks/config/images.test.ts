import assert from "node:assert/strict";
import { ConfigError } from "../../../stacks/config/errors";
import { parseConfig } from "../../../stacks/config/parse";

function parse(images: Record<string, unknown>) {
  const unit = {
    model: "sd21",
    accelerator: "inf2",
    framework: "neuron",
    measurement: { throughput: 105, latencySeconds: 0.67 },
  };
  return parseConfig({ units: { "sd21-inf2-neuron": unit }, images }, "us-west-2").images;
}

function onlyProblem(images: Record<string, unknown>): [key: string, allowed: string] {
  try {
    parse(images);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `another error: ${error}`);
    const [problem, ...more] = error.problems;
    assert.deepEqual(more, []);
    return [problem!.key, problem!.allowed];
  }
  return assert.fail("nothing is wrong");
}

describe("The config of the server's images", () => {
  it("says how CodeBuild builds, in a machine that has room for them and with an end", () => {
    const { source, context, codebuild } = parse({ server: { source: "codebuild" } }).server;
    assert.deepEqual([source, context], ["codebuild", "apps/inference-server"]);
    assert.deepEqual(codebuild, { computeType: "BUILD_GENERAL1_LARGE", timeoutMinutes: 120 });
  });

  it("names the machines that there are, and the minutes that CodeBuild allows", () => {
    const of = (codebuild: object) => onlyProblem({ server: { source: "codebuild", codebuild } });
    const [key, allowed] = of({ computeType: "BUILD_GENERAL1_SMALL" });
    assert.equal(key, "images.server.codebuild.computeType");
    assert.match(allowed, /BUILD_GENERAL1_MEDIUM, BUILD_GENERAL1_LARGE/);
    for (const timeoutMinutes of [4, 481, 30.5])
      assert.equal(of({ timeoutMinutes })[0], "images.server.codebuild.timeoutMinutes");
  });

  for (const source of ["local", "codebuild"]) {
    it(`pushes to the program's own repositories with \`source: ${source}\`, and to no other`, () => {
      const [key, allowed] = onlyProblem({ server: { source, repository: "ghcr.io/team/server" } });
      assert.equal(key, "images.server.repository");
      assert.ok(allowed.includes(`\`source: ${source}\``));
    });

    it(`has no digest before the build, for a snapshot, with \`source: ${source}\``, () => {
      const [key, allowed] = onlyProblem({ cache: "snapshot", server: { source } });
      assert.equal(key, "images.cache");
      assert.ok(allowed.includes(`\`source: ${source}\``));
    });
  }
});
