import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  type Build,
  CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
} from "@aws-sdk/client-codebuild";
import { DescribeImagesCommand, ECRClient, ImageNotFoundException } from "@aws-sdk/client-ecr";
import { buildVariables } from "./imageBuildSpec";

/** An image that is to be in a repository. */
export interface WantedImage {
  /** CodeBuild's project that builds it. */
  readonly projectName: string;
  /** Its sources, a ZIP file in S3: `BUCKET/KEY`. */
  readonly sourceLocation: string;
  /** Repository in ECR, without the registry's host. */
  readonly repositoryName: string;
  /** The tag, which names the content: what has it need not be built. */
  readonly tag: string;
  readonly region: string;
  /** Profile of the shared credentials file; absent: the SDK's own search. */
  readonly profile?: string;
}

export interface Watch {
  /** Is told when a build begins and when it comes to another phase. */
  readonly tell?: (line: string) => void;
  readonly pollSeconds?: number;
}

/**
 * Has an image built by CodeBuild unless the repository has it, and waits for the end. A build of
 * the same tag that runs already (of somebody else, or of an `up` that was cut off) is waited for; one
 * of another tag first ends, for a project runs one at a time.
 *
 * @returns the image's digest, `sha256:…`
 * @throws Error with the phase that failed, its message and where the log is
 */
export async function builtImage(
  wanted: WantedImage,
  { tell = console.log, pollSeconds = 10 }: Watch = {},
): Promise<string> {
  const { tag } = wanted;
  const codeBuild = new CodeBuildClient(clientOf(wanted));
  const name = `${wanted.repositoryName}:${tag}`;
  for (;;) {
    const there = await digestOf(wanted);
    if (there !== undefined) return there;
    const running = await runningBuild(codeBuild, wanted.projectName);
    const build = running ?? (await startBuild(codeBuild, wanted));
    if (build === undefined) continue;
    const others = running !== undefined && tagOf(running) !== tag;
    tell(`${name}: ${others ? "waiting for another build" : "building"}, ${logOf(build)}`);
    const ended = await endOf(codeBuild, build, pollSeconds, (phase) => tell(`${name}: ${phase}`));
    if (others) continue;
    if (ended.buildStatus !== "SUCCEEDED")
      throw new Error(`${name} was not built: ${whyNot(ended)}\nIts log: ${logOf(ended)}`);
    const digest = await digestOf(wanted);
    if (digest === undefined)
      throw new Error(
        `${name} was built, and is not in its repository: somebody has deleted it, or the build ` +
          `pushes elsewhere.\nIts log: ${logOf(ended)}`,
      );
    return digest;
  }
}

function clientOf({ region, profile }: WantedImage) {
  return { region, ...(profile === undefined ? {} : { profile }) };
}

/** The digest of what is in the repository, `sha256:…`; nothing: there is no such image. */
export async function digestOf(wanted: WantedImage): Promise<string | undefined> {
  const { repositoryName, tag } = wanted;
  const ecr = new ECRClient(clientOf(wanted));
  try {
    const { imageDetails } = await ecr.send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: tag }] }),
    );
    return imageDetails?.[0]?.imageDigest;
  } catch (error) {
    if (error instanceof ImageNotFoundException) return undefined;
    throw error;
  }
}

async function runningBuild(
  codeBuild: CodeBuildClient,
  projectName: string,
): Promise<Build | undefined> {
  // The youngest come first, a hundred of them: no older one runs still.
  const { ids = [] } = await codeBuild.send(new ListBuildsForProjectCommand({ projectName }));
  if (ids.length === 0) return undefined;
  const { builds = [] } = await codeBuild.send(new BatchGetBuildsCommand({ ids }));
  return builds.find(({ buildStatus }) => buildStatus === "IN_PROGRESS");
}

/** Undefined: somebody else was faster, and the project runs one build at a time. */
async function startBuild(
  codeBuild: CodeBuildClient,
  { projectName, sourceLocation, tag }: WantedImage,
): Promise<Build | undefined> {
  try {
    const { build } = await codeBuild.send(
      new StartBuildCommand({
        projectName,
        sourceLocationOverride: sourceLocation,
        environmentVariablesOverride: [{ name: buildVariables.tag, value: tag }],
      }),
    );
    return build;
  } catch (error) {
    const isFull = error instanceof AccountLimitExceededException;
    if (isFull && (await runningBuild(codeBuild, projectName)) !== undefined) return undefined;
    throw error;
  }
}

/** Looks every few seconds. CodeBuild itself ends what takes longer than the project allows. */
async function endOf(
  codeBuild: CodeBuildClient,
  { id }: Build,
  pollSeconds: number,
  cameTo: (phase: string) => void,
): Promise<Build> {
  for (let phase = ""; ; ) {
    const { builds = [] } = await codeBuild.send(new BatchGetBuildsCommand({ ids: [id!] }));
    const [build] = builds;
    if (build === undefined) throw new Error(`CodeBuild does not know the build ${id} any more.`);
    if (build.buildStatus !== "IN_PROGRESS") return build;
    if (build.currentPhase !== undefined && build.currentPhase !== phase) {
      phase = build.currentPhase;
      cameTo(phase);
    }
    await new Promise((passed) => setTimeout(passed, 1000 * pollSeconds));
  }
}

function tagOf({ environment }: Build): string | undefined {
  return environment?.environmentVariables?.find(({ name }) => name === buildVariables.tag)?.value;
}

/** E.g. `FAILED in BUILD: COMMAND_EXECUTION_ERROR: Error while executing command: …`. */
function whyNot({ buildStatus, phases = [] }: Build): string {
  const failed = phases.find(
    ({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== "SUCCEEDED",
  );
  if (failed === undefined) return `${buildStatus}`;
  const reasons = (failed.contexts ?? []).map(({ statusCode, message }) =>
    [statusCode, message].filter(Boolean).join(": "),
  );
  return [`${buildStatus} in ${failed.phaseType}`, ...reasons].join(": ");
}

function logOf({ id, logs }: Build): string {
  return logs?.deepLink ?? `CodeBuild's of ${id}`;
}
