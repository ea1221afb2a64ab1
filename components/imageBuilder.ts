import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { codeBuildProject } from "../fleet/names";
import { type BuildContext, contextFiles, contextTag, dockerfileIn } from "./buildContext";
import { ImageBuild } from "./imageBuild";
import { buildspec, buildVariables } from "./imageBuildSpec";
import type { ImageRepository } from "./imageRepository";
import type { PrivateBucket } from "./privateBucket";
import { nameIn, type Scope } from "./scope";
import { createServiceRole, type ServiceRole } from "./serviceRole";

/** How CodeBuild builds, the same for all images. */
export interface BuilderSettings {
  /** Where the sources of all projects lie, each under its name. */
  readonly sources: PrivateBucket;
  /** Size of the machine, e.g. `BUILD_GENERAL1_LARGE`. */
  readonly computeType: string;
  /** CodeBuild stops a build that takes longer. */
  readonly timeoutMinutes: number;
  readonly logRetentionDays: number;
}

export interface ImageBuilderArgs {
  readonly scope: Scope;
  readonly build: BuildContext;
  readonly settings: BuilderSettings;
  readonly repository: ImageRepository;
}

/** Minutes that a build waits for a machine. */
const queuedMinutes = 30;

/**
 * A CodeBuild project for one image, and the build of the sources as they are now. It may read its
 * sources, write its log, and push to its repository; base images come from public registries.
 */
export class ImageBuilder extends pulumi.ComponentResource {
  /** Of the image that the sources make, `sha256:…`. */
  readonly digest: pulumi.Output<string>;

  constructor(name: string, args: ImageBuilderArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ImageBuilder", name, {}, opts);
    const inside = { parent: this };
    const projectName = nameIn(args.scope, `${name}-build`, codeBuildProject);
    const sources = storeSources(name, args, inside);
    const group = createLogGroup(name, projectName, args, inside);
    const role = createRole(name, projectName, args, group, inside);
    const project = createProject(name, projectName, args, { sources, group, role }, inside);
    const build = new ImageBuild(
      name,
      {
        projectName: project.name,
        sourceLocation: locationOf(sources),
        repositoryName: args.repository.repositoryName,
        tag: contextTag(args.build),
        region: args.scope.region,
        ...(args.scope.profile === undefined ? {} : { profile: args.scope.profile }),
      },
      inside,
    );
    this.digest = build.digest;
    this.registerOutputs({});
  }
}

function storeSources(
  name: string,
  { build, settings: { sources } }: ImageBuilderArgs,
  opts: pulumi.ResourceOptions,
) {
  const files = [...contextFiles(build)].map(
    ([inContext, path]) => [inContext, new pulumi.asset.FileAsset(path)] as const,
  );
  return new aws.s3.BucketObjectv2(
    name,
    {
      bucket: sources.bucketName,
      key: `${name}/${contextTag(build)}.zip`,
      source: new pulumi.asset.AssetArchive(Object.fromEntries(files)),
      // An object takes ten tags, and the environment's may be more.
      overrideProvider: { defaultTags: { tags: {} } },
    },
    { ...opts, dependsOn: [...sources.ready] },
  );
}

/** As CodeBuild wants it: `BUCKET/KEY`. */
function locationOf({ bucket, key }: aws.s3.BucketObjectv2): pulumi.Output<string> {
  return pulumi.interpolate`${bucket}/${key}`;
}

/** CodeBuild would make one itself, without an end to what it keeps. */
function createLogGroup(
  name: string,
  projectName: string,
  { settings }: ImageBuilderArgs,
  opts: pulumi.ResourceOptions,
) {
  return new aws.cloudwatch.LogGroup(
    `${name}-build-logs`,
    {
      name: `/aws/codebuild/${projectName}`,
      retentionInDays: settings.logRetentionDays,
    },
    opts,
  );
}

function createRole(
  name: string,
  projectName: string,
  { scope, repository, settings: { sources } }: ImageBuilderArgs,
  group: aws.cloudwatch.LogGroup,
  opts: pulumi.ResourceOptions,
): ServiceRole {
  const { partition, region, accountId } = scope;
  const project = pulumi.interpolate`arn:${partition}:codebuild:${region}:${accountId}:project/${projectName}`;
  const trusted = {
    service: "codebuild.amazonaws.com",
    conditions: {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnEquals: { "aws:SourceArn": project },
    },
  };
  return createServiceRole(
    `${name}-build`,
    scope,
    [trusted],
    [
      {
        Sid: "ReadItsSources",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:GetObjectVersion"],
        Resource: pulumi.interpolate`${sources.bucketArn}/${name}/*`,
      },
      {
        Sid: "LookAtTheBucket",
        Effect: "Allow",
        Action: ["s3:GetBucketAcl", "s3:GetBucketLocation"],
        Resource: sources.bucketArn,
      },
      {
        Sid: "WriteItsLog",
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: pulumi.interpolate`${group.arn}:*`,
      },
      {
        Sid: "LogInToEcr",
        Effect: "Allow",
        Action: "ecr:GetAuthorizationToken",
        // The action takes no resource.
        Resource: "*",
      },
      {
        Sid: "PushAndPull",
        Effect: "Allow",
        Action: [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ],
        Resource: repository.repositoryArn,
      },
    ],
    opts,
  );
}

function createProject(
  name: string,
  projectName: string,
  { build, settings, repository }: ImageBuilderArgs,
  {
    sources,
    group,
    role: { role, policy },
  }: {
    readonly sources: aws.s3.BucketObjectv2;
    readonly group: aws.cloudwatch.LogGroup;
    readonly role: ServiceRole;
  },
  opts: pulumi.ResourceOptions,
) {
  const variables = {
    [buildVariables.tag]: contextTag(build),
    [buildVariables.repositoryName]: repository.repositoryName,
    [buildVariables.repositoryUrl]: repository.repositoryUrl,
    [buildVariables.dockerfile]: dockerfileIn(build),
  };
  return new aws.codebuild.Project(
    name,
    {
      name: projectName,
      description: `Builds the image of ${name}`,
      serviceRole: role.arn,
      source: { type: "S3", location: locationOf(sources), buildspec: JSON.stringify(buildspec) },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        // The newest release of 5.0 is the one that CodeBuild's machines have in their cache.
        image: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        imagePullCredentialsType: "CODEBUILD",
        computeType: settings.computeType,
        // Docker runs in it.
        privilegedMode: true,
        environmentVariables: Object.entries(variables).map(([key, value]) => ({
          name: key,
          value,
        })),
      },
      logsConfig: { cloudwatchLogs: { status: "ENABLED", groupName: group.name } },
      buildTimeout: settings.timeoutMinutes,
      queuedTimeout: queuedMinutes,
      // Two would push the same tag.
      concurrentBuildLimit: 1,
    },
    { ...opts, dependsOn: [policy] },
  );
}
