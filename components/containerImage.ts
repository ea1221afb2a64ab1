import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import { type BuildContext, contextTag } from "./buildContext";
import { type BuilderSettings, ImageBuilder } from "./imageBuilder";
import { ImageRepository } from "./imageRepository";
import type { Scope } from "./scope";

/** How an image is made fast: by its digest, by a tag, or by the digest of a build to come. */
export type PinnedBy = "digest" | "tag" | "build";

/** Where an image comes from. */
export type ContainerImageSource =
  | {
      /** The user pushed it. */
      readonly source: "external";
      /** Repository without tag; absent: the program's own in ECR. */
      readonly repository?: string;
      readonly tag: string;
      /** `sha256:…`; wins over the tag. */
      readonly digest?: string;
    }
  | ({
      /** `pulumi up` builds and pushes it, with Docker. */
      readonly source: "local";
    } & BuildContext)
  | ({
      /** `pulumi up` has CodeBuild build and push it. */
      readonly source: "codebuild";
      readonly builder: BuilderSettings;
    } & BuildContext);

export interface ContainerImageArgs {
  readonly scope: Scope;
  readonly image: ContainerImageSource;
  /** Days that untagged images are kept in ECR. */
  readonly keepUntaggedDays: number;
  /** Tagged images that are kept in ECR. */
  readonly keepTagged: number;
}

/** An image that pods run, and its repository where that is the program's. */
export class ContainerImage extends pulumi.ComponentResource {
  /** What a pod names: `repository:tag` or `repository@digest`. */
  readonly reference: pulumi.Output<string>;
  /** `build`: the digest in `reference` is known once the image is built. */
  readonly pinnedBy: PinnedBy;
  /** The program's own repository; absent: the user's. */
  readonly repository: ImageRepository | undefined;
  /** ARN of the ECR repository that it is pulled from; absent: from another registry. */
  readonly repositoryArn: pulumi.Output<string> | undefined;

  constructor(name: string, args: ContainerImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("diffusion-fleet:index:ContainerImage", name, {}, { ...opts, aliases: [formerType] });
    const { image, scope } = args;
    const theirs = image.source === "external" ? image.repository : undefined;
    this.repository =
      theirs === undefined ? createRepository(name, args, { parent: this }) : undefined;
    const url = pulumi.output(theirs ?? this.repository!.repositoryUrl);
    this.repositoryArn = this.repository?.repositoryArn ?? theirArn(theirs!, scope);

    if (image.source === "local") {
      this.pinnedBy = "build";
      this.reference = buildImage(name, image, url, { parent: this });
    } else if (image.source === "codebuild") {
      this.pinnedBy = "build";
      const { digest } = new ImageBuilder(
        name,
        { scope, build: image, settings: image.builder, repository: this.repository! },
        { parent: this },
      );
      this.reference = pulumi.interpolate`${url}@${digest}`;
    } else if (image.digest === undefined) {
      this.pinnedBy = "tag";
      this.reference = pulumi.interpolate`${url}:${image.tag}`;
    } else {
      this.pinnedBy = "digest";
      this.reference = pulumi.interpolate`${url}@${image.digest}`;
    }
    this.registerOutputs({});
  }
}

/** What the component was called when it knew servers only: their repositories stay where they are. */
const formerType: pulumi.Alias = { type: "diffusion-fleet:index:ServerImage" };

function createRepository(name: string, args: ContainerImageArgs, opts: pulumi.ResourceOptions) {
  const { scope, image, keepUntaggedDays, keepTagged } = args;
  const holdsBuildCache = image.source === "codebuild";
  return new ImageRepository(name, { scope, keepUntaggedDays, keepTagged, holdsBuildCache }, opts);
}

/** The URI of the pushed image, with the digest that the registry gave it. */
function buildImage(
  name: string,
  build: BuildContext,
  repositoryUrl: pulumi.Output<string>,
  opts: pulumi.ResourceOptions,
): pulumi.Output<string> {
  const image = new awsx.ecr.Image(
    name,
    {
      repositoryUrl,
      context: build.context,
      dockerfile: build.dockerfile,
      imageTag: contextTag(build),
      // Every machine that the fleet launches is x86-64.
      platform: "linux/amd64",
    },
    opts,
  );
  return image.imageUri;
}

const ecrHost = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(.+)$/;

/** The ARN of a private ECR repository by its address, or undefined for any other registry. */
export function ecrArn(
  repository: string,
  { partition }: Pick<Scope, "partition">,
): string | undefined {
  const [, account, region, name] = ecrHost.exec(repository) ?? [];
  return name === undefined
    ? undefined
    : `arn:${partition}:ecr:${region}:${account}:repository/${name}`;
}

function theirArn(repository: string, scope: Scope): pulumi.Output<string> | undefined {
  const arn = ecrArn(repository, scope);
  return arn === undefined ? undefined : pulumi.output(arn);
}
