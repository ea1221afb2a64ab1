import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { contextTag } from "../../components/buildContext";
import { ContainerImage, type ContainerImageSource, ecrArn } from "../../components/containerImage";
import { IMAGE_BUILD_TYPE } from "../../components/imageBuild";
import type { BuilderSettings } from "../../components/imageBuilder";
import { PrivateBucket } from "../../components/privateBucket";
import { UserError } from "../../contracts/userError";
import { construct, type Registry, scope } from "../mocks";

const REPOSITORY = "aws:ecr/repository:Repository";
const digest = `sha256:${"a".repeat(64)}`;
const ecr = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/server";

let image: ContainerImage;

/** @param source a function where what it comes from has resources of its own */
function create(
  source: ContainerImageSource | (() => ContainerImageSource),
  protectData = false,
): Promise<Registry> {
  return construct(() => {
    image = new ContainerImage("inference-server-cuda", {
      scope: { ...scope, protectData },
      image: typeof source === "function" ? source() : source,
      keepUntaggedDays: 7,
      keepTagged: 50,
    });
  });
}

function builderSettings(): BuilderSettings {
  const sources = new PrivateBucket("image-sources", { scope, noncurrentDays: 7, protect: false });
  const computeType = "BUILD_GENERAL1_LARGE";
  return { sources, computeType, timeoutMinutes: 120, logRetentionDays: 30 };
}

function value<T>(output: pulumi.Output<T> | undefined): Promise<T | undefined> {
  return new Promise((resolve) =>
    output === undefined ? resolve(undefined) : void output.apply(resolve),
  );
}

describe("ContainerImage", () => {
  it("names the user's repository, by tag", async () => {
    const made = await create({ source: "external", repository: ecr, tag: "0.1.0" });
    assert.equal(await value(image.reference), `${ecr}:0.1.0`);
    assert.equal(image.pinnedBy, "tag");
    assert.equal(made.ofType(REPOSITORY).length, 0);
    assert.equal(
      await value(image.repositoryArn),
      "arn:aws:ecr:eu-west-1:210987654321:repository/team/server",
    );
  });

  it("lets a digest win over the tag", async () => {
    await create({ source: "external", repository: "ghcr.io/team/server", tag: "1", digest });
    assert.equal(await value(image.reference), `ghcr.io/team/server@${digest}`);
    assert.equal(image.pinnedBy, "digest");
    assert.equal(image.repositoryArn, undefined);
  });

  it("makes a repository where the user names none: immutable, scanned, encrypted", async () => {
    const { inputs } = (await create({ source: "external", tag: "0.1.0" })).one(REPOSITORY);
    assert.equal(inputs.name, "diffusion-fleet-dev-inference-server-cuda");
    assert.equal(inputs.imageTagMutability, "IMMUTABLE");
    assert.deepEqual(inputs.imageScanningConfiguration, { scanOnPush: true });
    assert.deepEqual(inputs.encryptionConfigurations, [{ encryptionType: "KMS" }]);
  });

  it("forgets untagged images by age and tagged ones by number", async () => {
    const made = await create({ source: "external", tag: "0.1.0" });
    const { rules } = JSON.parse(
      made.one("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs.policy,
    ) as { rules: { selection: { tagStatus: string; countNumber: number } }[] };
    assert.deepEqual(
      rules.map(({ selection }) => [selection.tagStatus, selection.countNumber]),
      [
        ["untagged", 7],
        ["tagged", 50],
      ],
    );
  });

  it("keeps images where data is protected", async () => {
    const dev = (await create({ source: "external", tag: "1.0" })).one(REPOSITORY);
    assert.deepEqual([dev.inputs.forceDelete, dev.protect], [true, false]);
    const prod = (await create({ source: "external", tag: "1.0" }, true)).one(REPOSITORY);
    assert.deepEqual([prod.inputs.forceDelete, prod.protect], [false, true]);
  });

  describe("built from a folder", () => {
    const context = mkdtempSync(join(tmpdir(), "context-"));
    const dockerfile = join(context, "Dockerfile.cuda");
    const build = { context, dockerfile, configKey: "images.server.context" };
    writeFileSync(dockerfile, "FROM scratch\n");
    writeFileSync(join(context, "server.py"), "1\n");
    after(() => rmSync(context, { recursive: true }));

    it("is built for x86-64 and pinned by the digest that the build gives", async () => {
      const made = await create({ source: "local", ...build });
      const { inputs } = made.one("awsx:ecr:Image");
      assert.equal(inputs.platform, "linux/amd64");
      assert.equal(inputs.dockerfile, dockerfile);
      assert.equal(image.pinnedBy, "build");
      assert.equal(made.ofType(REPOSITORY).length, 1);
    });

    describe("by CodeBuild", () => {
      const name = "diffusion-fleet-dev-inference-server-cuda";
      const context = mkdtempSync(join(tmpdir(), "context-"));
      const build = {
        context,
        dockerfile: join(context, "Dockerfile.cuda"),
        configKey: "images.server.context",
      };
      let made: Registry;
      let tag: string;

      before(async () => {
        writeFileSync(build.dockerfile, "FROM scratch\n");
        writeFileSync(join(context, "server.py"), "1\n");
        mkdirSync(join(context, ".venv"), { recursive: true });
        writeFileSync(join(context, ".venv", "pyvenv.cfg"), "home = /usr\n");
        writeFileSync(join(context, ".dockerignore"), "*\n!server.py\n");
        tag = contextTag(build);
        writeFileSync(join(context, ".env"), "TOKEN=example\n");
        made = await create(() => ({ source: "codebuild", ...build, builder: builderSettings() }));
      });
      after(() => rmSync(context, { recursive: true }));

      it("is pinned by the digest that the build gives, in a repository of the program's", async () => {
        assert.equal(image.pinnedBy, "build");
        const { inputs } = made.one(IMAGE_BUILD_TYPE);
        assert.deepEqual(
          [inputs.repositoryName, inputs.tag, inputs.region, inputs.projectName],
          [name, tag, "us-west-2", `${name}-build`],
        );
        assert.equal(made.ofType(REPOSITORY).length, 1);
      });

      it("is built from the files that its tag is made of, and from nothing else", () => {
        const { inputs } = made.one("aws:s3/bucketObjectv2:BucketObjectv2");
        assert.equal(inputs.key, `inference-server-cuda/${tag}.zip`);
        assert.deepEqual(Object.keys(inputs.source.assets).sort(), [
          "Dockerfile.cuda",
          "server.py",
        ]);
      });

      it("is not built again for what Docker would not take", () => {
        assert.equal(contextTag(build), tag);
      });

      it("is built one at a time, by a project that pushes where the pods pull", () => {
        const { inputs } = made.one("aws:codebuild/project:Project");
        assert.equal(inputs.concurrentBuildLimit, 1);
        assert.equal(inputs.environment.privilegedMode, true);
        assert.equal(inputs.environment.computeType, "BUILD_GENERAL1_LARGE");
        assert.equal(inputs.buildTimeout, 120);
        const variables = Object.fromEntries(
          (inputs.environment.environmentVariables as { name: string; value: string }[]).map(
            (variable) => [variable.name, variable.value],
          ),
        );
        assert.equal(variables.REPOSITORY_NAME, name);
        assert.equal(variables.IMAGE_TAG, tag);
        assert.equal(variables.DOCKERFILE, "Dockerfile.cuda");
      });

      it("logs where logs end", () => {
        const group = made.one("aws:cloudwatch/logGroup:LogGroup").inputs;
        assert.equal(group.retentionInDays, 30);
        const { logsConfig } = made.one("aws:codebuild/project:Project").inputs;
        assert.equal(logsConfig.cloudwatchLogs.groupName, group.name);
      });

      it("may read its own sources, write its own log and push to its own repository", () => {
        const statements = made.statements().map(({ statement }) => statement);
        assert.deepEqual(
          statements.filter(({ Resource }) => Resource === "*").map(({ Action }) => Action),
          ["ecr:GetAuthorizationToken"],
        );
        const of = (sid: string) => statements.find(({ Sid }) => Sid === sid)?.Resource as string;
        assert.match(of("ReadItsSources"), /:image-sources\/inference-server-cuda\/\*$/);
        assert.match(of("WriteItsLog"), /:inference-server-cuda-build-logs:\*$/);
        assert.match(of("PushAndPull"), /:inference-server-cuda$/);
        assert.ok(!JSON.stringify(statements).includes("Delete"));
        const { assumeRolePolicy } = made.one("aws:iam/role:Role").inputs;
        assert.match(assumeRolePolicy, new RegExp(`project/${name}-build"`));
      });

      it("is started when what it needs is there", () => {
        const started = made.one(IMAGE_BUILD_TYPE);
        for (const type of [
          "aws:s3/bucketObjectv2:BucketObjectv2",
          "aws:iam/rolePolicy:RolePolicy",
          "aws:cloudwatch/logGroup:LogGroup",
          REPOSITORY,
        ])
          assert.ok(made.waitsFor(started, made.one(type)), type);
      });

      it("keeps the layers of the last two builds, and as many images as ever", () => {
        const { rules } = JSON.parse(
          made.one("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs.policy,
        ) as { rules: { selection: { tagPatternList?: string[]; countNumber: number } }[] };
        assert.deepEqual(
          rules.map(({ selection }) => [selection.tagPatternList?.[0], selection.countNumber]),
          [
            [undefined, 7],
            ["cache-*", 2],
            // Which counts the caches, too.
            ["*", 52],
          ],
        );
      });
    });

    it("has another tag when a file changes, because a tag cannot be pushed twice", () => {
      const first = contextTag(build);
      assert.match(first, /^[0-9a-f]{16}$/);
      assert.equal(contextTag(build), first);
      writeFileSync(join(context, "server.py"), "2\n");
      assert.notEqual(contextTag(build), first);
    });

    it("keeps its tag when a file changes that the image is not made of", () => {
      const parts = ["app", "package.json"];
      mkdirSync(join(context, "app", "node_modules"), { recursive: true });
      writeFileSync(join(context, "app", "main.ts"), "1\n");
      writeFileSync(join(context, "package.json"), "{}\n");
      const first = contextTag({ ...build, parts });
      writeFileSync(join(context, "server.py"), "3\n");
      writeFileSync(join(context, "app", "node_modules", "index.js"), "1\n");
      assert.equal(contextTag({ ...build, parts }), first);
      for (const file of ["app/main.ts", "package.json", "Dockerfile.cuda"]) {
        writeFileSync(join(context, file), `changed ${file}\n`);
        assert.notEqual(contextTag({ ...build, parts }), first, file);
      }
    });

    it("wants its Dockerfile and every part, and names the key that asked for them", () => {
      for (const [missing, wrong] of [
        ["Dockerfile.neuron", { dockerfile: join(context, "Dockerfile.neuron") }],
        ["absent", { parts: ["absent"] }],
      ] as const)
        assert.throws(
          () => contextTag({ ...build, ...wrong }),
          (error) =>
            error instanceof UserError &&
            error.message.startsWith("diffusion-fleet:images.server.context: ") &&
            error.message.includes(`${missing} does not exist`),
        );
    });
  });
});

describe("ecrArn", () => {
  it("knows private ECR repositories, China's too, and no other registry", () => {
    assert.equal(
      ecrArn("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b", { partition: "aws-cn" }),
      "arn:aws-cn:ecr:cn-north-1:123456789012:repository/a/b",
    );
    for (const other of ["public.ecr.aws/a/b", "ghcr.io/a/b", "a/b"])
      assert.equal(ecrArn(other, { partition: "aws" }), undefined);
  });
});
