import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { contextTag } from "../../components/buildContext";
import { ContainerImage, type ContainerImageSource, ecrArn } from "../../components/containerImage";
import { UserError } from "../../contracts/userError";
import { construct, type Registry, scope } from "../mocks";

const REPOSITORY = "aws:ecr/repository:Repository";
const digest = `sha256:${"a".repeat(64)}`;
const ecr = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/server";

let image: ContainerImage;

function create(source: ContainerImageSource, protectData = false): Promise<Registry> {
  return construct(() => {
    image = new ContainerImage("inference-server-cuda", {
      scope: { ...scope, protectData },
      image: source,
      keepUntaggedDays: 7,
      keepTagged: 50,
    });
  });
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
