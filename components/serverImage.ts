import { join } from "node:path";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import type { Framework } from "../fleet/accelerators";
import { contextTag } from "./buildContext";
import { ImageRepository } from "./imageRepository";
import type { Scope } from "./scope";

/** How an image is made fast: by its digest, by a tag, or by the digest of a build to come. */
export type PinnedBy = "digest" | "tag" | "build";

/** Where the server's images come from. */
export type ServerImageSource =
  | {
      /** The user pushed it. */
      readonly source: "external";
      /** Repository without the framework's name and tag; absent: the program's own in ECR. */
      readonly repository?: string;
      readonly tag: string;
      /** `sha256:…`; wins over the tag. */
      readonly digest?: string;
    }
  | {
      /** `pulumi up` builds and pushes it, with Docker. */
      readonly source: "local";
      /** Folder with a `Dockerfile.FRAMEWORK`. */
      readonly context: string;
    };

export interface ServerImageArgs {
  readonly scope: Scope;
  readonly framework: Framework;
  readonly image: ServerImageSource;
  /** Days that untagged images are kept in ECR. */
  readonly keepUntaggedDays: number;
  /** Tagged images that are kept in ECR. */
  readonly keepTagged: number;
}

/** The inference server's image for one framework, and its repository where that is the program's. */
export class ServerImage extends pulumi.ComponentResource {
  /** What a pod names: `repository:tag` or `repository@digest`. */
  readonly reference: pulumi.Output<string>;
  /** `build`: the digest in `reference` is known once the image is built. */
  readonly pinnedBy: PinnedBy;
  /** The program's own repository; absent: the user's. */
  readonly repository: ImageRepository | undefined;
  /** ARN of the ECR repository that it is pulled from; absent: from another registry. */
  readonly repositoryArn: pulumi.Output<string> | undefined;

  constructor(name: string, args: ServerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ServerImage", name, {}, opts);
    const { image, framework, scope } = args;
    const theirs =
      image.source === "external" && image.repository !== undefined
        ? `${image.repository}-${framework}`
        : undefined;
    this.repository =
      theirs === undefined ? createRepository(name, args, { parent: this }) : undefined;
    const url = pulumi.output(theirs ?? this.repository!.repositoryUrl);
    this.repositoryArn = this.repository?.repositoryArn ?? theirArn(theirs!, scope);

    if (image.source === "local") {
      this.pinnedBy = "build";
      this.reference = buildImage(name, framework, image.context, url, { parent: this });
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

function createRepository(name: string, args: ServerImageArgs, opts: pulumi.ResourceOptions) {
  const { scope, keepUntaggedDays, keepTagged } = args;
  return new ImageRepository(name, { scope, keepUntaggedDays, keepTagged }, opts);
}

/** The URI of the pushed image, with the digest that the registry gave it. */
function buildImage(
  name: string,
  framework: Framework,
  context: string,
  repositoryUrl: pulumi.Output<string>,
  opts: pulumi.ResourceOptions,
): pulumi.Output<string> {
  const dockerfile = join(context, `Dockerfile.${framework}`);
  const image = new awsx.ecr.Image(
    name,
    {
      repositoryUrl,
      context,
      dockerfile,
      imageTag: contextTag(context, dockerfile),
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
