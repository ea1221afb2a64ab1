import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  ECRClient,
  ListImagesCommand,
} from "@aws-sdk/client-ecr";
import {
  type PlayedCodeBuild,
  pushImage,
  startPlayedCodeBuild,
} from "../components/playedCodeBuild";
import { describeOnMoto, motoEnvironment } from "../python/moto";
import { describeOnEngine } from "./engineSuite";
import { pulumi } from "./pulumiProcess";
import { type ExportedState, resourcesOf } from "./state";
import { PASSPHRASE, textOf } from "./world";

const root = resolve(__dirname, "../..");
const region = "us-west-2";

/** A program with nothing in it but the build of an image. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { ImageBuild } from "./components/imageBuild";
const config = new pulumi.Config();
const tag = config.require("tag");
const { digest } = new ImageBuild("server", {
  projectName: "server",
  sourceLocation: \`sources/server/\${tag}.zip\`,
  repositoryName: "server",
  tag,
  region: "${region}",
  ...(config.get("profile") === undefined ? {} : { profile: config.require("profile") }),
});
export const reference = pulumi.interpolate\`server@\${digest}\`;
`;

describeOnEngine("an image that CodeBuild builds", () => {
  describeOnMoto("with moto's ECR", (moto) => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-build-"));
    const project = join(folder, "project");
    const repositoryName = "server";
    let ecr: ECRClient;
    let codeBuild: PlayedCodeBuild;

    const run = (...args: string[]) =>
      pulumi([...args, "--stack", "dev"], {
        cwd: project,
        env: {
          ...process.env,
          ...motoEnvironment(moto(), region),
          AWS_ENDPOINT_URL_CODEBUILD: codeBuild.endpoint,
          PULUMI_HOME: join(folder, "home"),
          PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
          PULUMI_NODEJS_TRANSPILE_ONLY: "true",
        },
      });
    const succeed = async (...args: string[]) => {
      const ended = await run(...args);
      assert.equal(ended.status, 0, textOf(ended));
      return ended;
    };
    const up = (tag: string, ...flags: string[]) =>
      run("up", "--yes", "--skip-preview", "--config", `tag=${tag}`, ...flags);
    const reference = async () =>
      JSON.parse((await succeed("stack", "output", "--json")).stdout).reference as string;

    before("a project beside the checkout", async () => {
      mkdirSync(join(folder, "state"));
      mkdirSync(project);
      writeFileSync(
        join(project, "Pulumi.yaml"),
        "name: build\nruntime: { name: nodejs, options: { typescript: true } }\nmain: index.ts\n",
      );
      writeFileSync(join(project, "index.ts"), PROGRAM);
      for (const entry of ["components", "node_modules", "package.json", "tsconfig.json"])
        symlinkSync(join(root, entry), join(project, entry));
      ecr = new ECRClient({
        region,
        endpoint: moto().endpoint,
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
      });
      await ecr.send(new CreateRepositoryCommand({ repositoryName }));
      codeBuild = await startPlayedCodeBuild((tag) =>
        pushImage(ecr, repositoryName, tag).then(() => undefined),
      );
      const ended = await pulumi(["stack", "init", "dev"], {
        cwd: project,
        env: {
          ...process.env,
          PULUMI_HOME: join(folder, "home"),
          PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
        },
      });
      assert.equal(ended.status, 0, textOf(ended));
    });
    after("it goes", () => {
      codeBuild?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it("is built by up, which tells of it, and its digest is what others get", async () => {
      const ended = await up("a1");
      assert.equal(ended.status, 0, textOf(ended));
      assert.deepEqual(
        codeBuild.started.map(({ sourceLocationOverride }) => sourceLocationOverride),
        ["sources/server/a1.zip"],
      );
      assert.match(await reference(), /^server@sha256:[0-9a-f]{64}$/);
      assert.match(textOf(ended), /server:a1: building, https:\/\/console\.example\/server:0/);
    });

    it("is left alone where the sources are the same, whoever deploys", async () => {
      const ended = await up("a1", "--config", "profile=", "--expect-no-changes");
      assert.equal(ended.status, 0, textOf(ended));
      assert.equal(codeBuild.started.length, 1);
    });

    it("is another one where the sources are, and the old one stays in its repository", async () => {
      const before = await reference();
      const ended = await up("b2");
      assert.equal(ended.status, 0, textOf(ended));
      assert.notEqual(await reference(), before);
      assert.equal(codeBuild.started.length, 2);
      const { imageIds } = await ecr.send(new ListImagesCommand({ repositoryName }));
      assert.deepEqual(imageIds?.map(({ imageTag }) => imageTag).sort(), ["a1", "b2"]);
    });

    it("is not built where somebody has pushed it, as when the state is a week old", async () => {
      const digest = await pushImage(ecr, repositoryName, "d4");
      const ended = await up("d4");
      assert.equal(ended.status, 0, textOf(ended));
      assert.equal(await reference(), `server@${digest}`);
      assert.equal(codeBuild.started.length, 2);
    });

    it("is built again where somebody has deleted it, after a refresh", async () => {
      const imageIds = [{ imageTag: "d4" }];
      await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
      const ended = await up("d4", "--refresh");
      assert.equal(ended.status, 0, textOf(ended));
      assert.equal(codeBuild.started.length, 3);
    });

    it("stops up where its build fails, with the phase, why, and the log", async () => {
      const before = await reference();
      codeBuild.course = [
        {
          buildStatus: "FAILED",
          phases: [
            {
              phaseType: "BUILD",
              phaseStatus: "FAILED",
              contexts: [{ statusCode: "COMMAND_EXECUTION_ERROR", message: "exit status 1" }],
            },
          ],
        },
      ];
      const ended = await up("e5");
      assert.notEqual(ended.status, 0);
      assert.match(textOf(ended), /server:e5 was not built: FAILED in BUILD: COMMAND_EXEC.*exit/);
      assert.match(textOf(ended), /Its log: https:\/\/console\.example\/server:3/);
      assert.equal(await reference(), before);
    });

    it("is in the state with the source of what made it, and with no path of this machine", async () => {
      const { stdout } = await succeed("stack", "export");
      const [build] = resourcesOf(JSON.parse(stdout) as ExportedState).filter(({ type }) =>
        type.endsWith(":ImageBuild"),
      );
      assert.ok(build);
      assert.match(String(build.inputs?.__provider), /components\/imageBuildRun/);
      assert.ok(!JSON.stringify(build.inputs).includes(root));
    });
  });
});
