import assert from "node:assert/strict";
import { CodeBuildClient, CreateProjectCommand } from "@aws-sdk/client-codebuild";
import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import { builtImage } from "../../components/imageBuildRun";
import { describeOnMoto, motoEnvironment } from "../python/moto";
import { type PlayedCodeBuild, pushImage, startPlayedCodeBuild, succeeds } from "./playedCodeBuild";

const region = "us-west-2";
let repositories = 0;

describeOnMoto("An image that CodeBuild builds", (moto) => {
  const saved = { ...process.env };
  let ecr: ECRClient;
  let codeBuild: PlayedCodeBuild;
  let repositoryName: string;
  let lines: string[];

  const push = (tag: string) => pushImage(ecr, repositoryName, tag);
  const built = (tag: string, projectName = "server") =>
    builtImage(
      { projectName, sourceLocation: `sources/server/${tag}.zip`, repositoryName, tag, region },
      { tell: (line) => lines.push(line), pollSeconds: 0 },
    );

  beforeEach(async () => {
    Object.assign(process.env, motoEnvironment(moto(), region));
    ecr = new ECRClient({ region });
    repositoryName = `server-${repositories++}`;
    lines = [];
    await ecr.send(new CreateRepositoryCommand({ repositoryName }));
    codeBuild = await startPlayedCodeBuild((tag) => push(tag).then(() => undefined));
    process.env.AWS_ENDPOINT_URL_CODEBUILD = codeBuild.endpoint;
  });
  afterEach(() => {
    codeBuild.stop();
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  });

  it("is not built where the repository has its tag", async () => {
    const digest = await push("a1");
    assert.equal(await built("a1"), digest);
    assert.deepEqual(codeBuild.started, []);
    assert.deepEqual(lines, []);
  });

  it("is built from its own sources under its tag, and known by the digest that ECR gave it", async () => {
    const digest = await built("a1");
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(codeBuild.started, [
      {
        projectName: "server",
        sourceLocationOverride: "sources/server/a1.zip",
        environmentVariablesOverride: [{ name: "IMAGE_TAG", value: "a1" }],
      },
    ]);
    assert.equal(await built("a1"), digest);
    assert.equal(codeBuild.started.length, 1);
  });

  it("tells where the log is, and each phase once", async () => {
    codeBuild.course = [succeeds[0], succeeds[0], ...succeeds.slice(1)];
    await built("a1");
    assert.deepEqual(
      lines.map((line) => line.replace(`${repositoryName}:a1: `, "")),
      ["building, https://console.example/server:0", "QUEUED", "BUILD"],
    );
  });

  it("is waited for where somebody has it built already", async () => {
    codeBuild.running("a1", succeeds);
    assert.match(await built("a1"), /^sha256:/);
    assert.deepEqual(codeBuild.started, []);
  });

  it("is built after a build of other sources, whatever has become of that one", async () => {
    const going = { buildStatus: "IN_PROGRESS" } as const;
    codeBuild.running("b2", [going, going, { buildStatus: "FAILED" }]);
    await built("a1");
    assert.equal(codeBuild.started.length, 1);
    assert.match(lines[0]!, /:a1: waiting for another build, /);
  });

  it("is waited for where somebody else was faster by a moment", async () => {
    const going = { buildStatus: "IN_PROGRESS" } as const;
    // Ended where it is looked for before the start, going on where it is after.
    codeBuild.running("a1", [{ buildStatus: "STOPPED" }, going, going, ...succeeds]);
    codeBuild.refusal = "AccountLimitExceededException";
    assert.match(await built("a1"), /^sha256:/);
    assert.deepEqual(codeBuild.started, []);
  });

  it("fails where the account may not build, and nothing is built that could be waited for", async () => {
    codeBuild.refusal = "AccountLimitExceededException";
    await assert.rejects(built("a1"), { name: "AccountLimitExceededException" });
  });

  it("fails with the phase that failed, why, and where the log is", async () => {
    codeBuild.course = [
      {
        buildStatus: "FAILED",
        phases: [
          { phaseType: "PRE_BUILD", phaseStatus: "SUCCEEDED" },
          {
            phaseType: "BUILD",
            phaseStatus: "FAILED",
            contexts: [{ statusCode: "COMMAND_EXECUTION_ERROR", message: "exit status 1" }],
          },
        ],
      },
    ];
    await assert.rejects(built("a1"), {
      message:
        `${repositoryName}:a1 was not built: FAILED in BUILD: COMMAND_EXECUTION_ERROR: exit status 1\n` +
        "Its log: https://console.example/server:0",
    });
  });

  it("fails where it was built and is not there", async () => {
    // moto's own CodeBuild, whose builds succeed at once, and push nothing.
    process.env.AWS_ENDPOINT_URL_CODEBUILD = moto().endpoint;
    const projectName = `project-${repositoryName}`;
    await new CodeBuildClient({ region }).send(
      new CreateProjectCommand({
        name: projectName,
        source: { type: "S3", location: "sources/server/a1.zip" },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
          computeType: "BUILD_GENERAL1_LARGE",
        },
        serviceRole: "arn:aws:iam::123456789012:role/build",
      }),
    );
    await assert.rejects(built("a1", projectName), /was built, and is not in its repository/);
  });
});
