import * as pulumi from "@pulumi/pulumi";
import type { WantedImage } from "./imageBuildRun";

/** As Pulumi calls the resource: what a plan knows of its outputs goes by this. */
export const IMAGE_BUILD_TYPE = "pulumi-nodejs:dynamic/diffusion-fleet:ImageBuild";

/** What makes another image. How one gets there (project, sources, credentials) does not. */
const identity = ["tag", "repositoryName", "region"] as const;

type Inputs = WantedImage;
type Outputs = WantedImage & { readonly digest: string };

/**
 * Pulumi writes this object's source into the state, and runs it from there in a process of its own
 * that starts in the project's folder and knows JavaScript only. So it is small, and what it does is
 * loaded when it runs. Deleting is left to the repository's rules.
 */
const provider: pulumi.dynamic.ResourceProvider<Inputs, Outputs> = {
  diff: async (_id, before, wanted) => {
    const replaces = identity.filter((property) => before[property] !== wanted[property]);
    return { changes: replaces.length > 0, replaces };
  },
  read: async (id, known) => {
    require("ts-node/register/transpile-only");
    const { digestOf } = require(`${process.cwd()}/components/imageBuildRun`);
    const digest: string | undefined = known && (await digestOf(known));
    // What somebody has deleted is no more, and is built again.
    return digest === undefined ? {} : { id, props: { ...known, digest } as Outputs };
  },
  create: async (wanted) => {
    require("ts-node/register/transpile-only");
    const { builtImage } = require(`${process.cwd()}/components/imageBuildRun`);
    const digest: string = await builtImage(wanted);
    return { id: `${wanted.repositoryName}@${digest}`, outs: { ...wanted, digest } };
  },
};

export type ImageBuildArgs = {
  readonly [property in keyof WantedImage]: pulumi.Input<WantedImage[property]>;
};

/** An image that CodeBuild builds during `pulumi up`, unless the repository has its tag already. */
export class ImageBuild extends pulumi.dynamic.Resource {
  /** `sha256:…` */
  declare readonly digest: pulumi.Output<string>;

  constructor(name: string, args: ImageBuildArgs, opts?: pulumi.CustomResourceOptions) {
    super(provider, name, { ...args, digest: undefined }, opts, "diffusion-fleet", "ImageBuild");
  }
}
