import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ecrRepository } from "../fleet/names";
import { CACHE_TAG_PREFIX } from "./imageBuildSpec";
import { nameIn, type Scope } from "./scope";

export interface ImageRepositoryArgs {
  readonly scope: Scope;
  /** Days that untagged images are kept. */
  readonly keepUntaggedDays: number;
  /** Tagged images that are kept, the youngest. */
  readonly keepTagged: number;
  /** Layers that builds keep for later ones are pushed here too. */
  readonly holdsBuildCache?: boolean;
}

/** The newest, which the next build reads, and the one before: that one may be read just now. */
const keptCaches = 2;

/**
 * An ECR repository: a tag once pushed stays what it is, every push is scanned, images are
 * encrypted by KMS, and old ones go by themselves.
 */
export class ImageRepository extends pulumi.ComponentResource {
  /** Known before it exists: rules and policies name it. */
  readonly repositoryName: string;
  readonly repositoryArn: pulumi.Output<string>;
  /** Where to push and pull, without tag. */
  readonly repositoryUrl: pulumi.Output<string>;

  constructor(name: string, args: ImageRepositoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ImageRepository", name, {}, opts);
    const { protectData } = args.scope;
    this.repositoryName = nameIn(args.scope, name, ecrRepository);
    const repository = new aws.ecr.Repository(
      name,
      {
        name: this.repositoryName,
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        // AWS's own key of ECR: whoever may pull may decrypt, without a grant to anyone.
        encryptionConfigurations: [{ encryptionType: "KMS" }],
        forceDelete: !protectData,
      },
      { parent: this, protect: protectData, retainOnDelete: protectData },
    );
    new aws.ecr.LifecyclePolicy(
      name,
      { repository: repository.name, policy: JSON.stringify(lifecycle(args)) },
      { parent: this },
    );
    this.repositoryArn = repository.arn;
    this.repositoryUrl = repository.repositoryUrl;
    this.registerOutputs({});
  }
}

function lifecycle({ keepUntaggedDays, keepTagged, holdsBuildCache }: ImageRepositoryArgs) {
  const rules = [
    {
      description: `Untagged images go after ${keepUntaggedDays} days`,
      selection: {
        tagStatus: "untagged",
        countType: "sinceImagePushed",
        countUnit: "days",
        countNumber: keepUntaggedDays,
      },
    },
    ...(holdsBuildCache
      ? [
          youngest(
            `The youngest ${keptCaches} build caches stay`,
            `${CACHE_TAG_PREFIX}*`,
            keptCaches,
          ),
        ]
      : []),
    // It counts the caches, too.
    youngest(
      `The youngest ${keepTagged} tagged images stay`,
      "*",
      keepTagged + (holdsBuildCache ? keptCaches : 0),
    ),
  ];
  return {
    rules: rules.map((rule, index) => ({
      rulePriority: index + 1,
      ...rule,
      action: { type: "expire" },
    })),
  };
}

function youngest(description: string, tags: string, countNumber: number) {
  return {
    description,
    selection: {
      tagStatus: "tagged",
      tagPatternList: [tags],
      countType: "imageCountMoreThan",
      countNumber,
    },
  };
}
