import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Build, StartBuildCommandInput } from "@aws-sdk/client-codebuild";
import { type ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";

/** What becomes of a build that is looked at: one state after the other, and the last one stays. */
export type Course = readonly [Partial<Build>, ...Partial<Build>[]];

export const succeeds: Course = [
  { buildStatus: "IN_PROGRESS", currentPhase: "QUEUED" },
  { buildStatus: "IN_PROGRESS", currentPhase: "BUILD" },
  { buildStatus: "SUCCEEDED", currentPhase: "COMPLETED" },
];

/** As much of CodeBuild, on loopback, as has builds that go on, end and fail: moto's all succeed at once. */
export interface PlayedCodeBuild {
  readonly endpoint: string;
  /** Everything that was asked to be built. */
  readonly started: StartBuildCommandInput[];
  /** What becomes of builds that are started from here on. */
  course: Course;
  /** Answers the next StartBuild with this error. */
  refusal: string | undefined;
  /** A build that runs already. */
  running(tag: string, course: Course): void;
  stop(): void;
}

interface Played {
  readonly id: string;
  readonly tag: string;
  readonly course: Course;
  looks: number;
  ended: boolean;
}

/** @param ended is told the tag of a build that succeeded, before anybody is told that it did */
export async function startPlayedCodeBuild(
  ended: (tag: string) => Promise<void>,
): Promise<PlayedCodeBuild> {
  const builds: Played[] = [];
  const begin = (tag: string, course: Course): Played => {
    const build = { id: `server:${builds.length}`, tag, course, looks: 0, ended: false };
    builds.push(build);
    return build;
  };
  const look = async (build: Played): Promise<Partial<Build>> => {
    const state = build.course[Math.min(build.looks, build.course.length - 1)]!;
    build.looks += 1;
    if (state.buildStatus === "SUCCEEDED" && !build.ended) {
      build.ended = true;
      await ended(build.tag);
    }
    return { ...described(build), ...state };
  };
  const actions: Record<string, (input: never) => Promise<object>> = {
    StartBuild: async (input: StartBuildCommandInput) => {
      const { refusal } = played;
      played.refusal = undefined;
      if (refusal !== undefined) throw new Error(refusal);
      played.started.push(input);
      const build = begin(input.environmentVariablesOverride![0]!.value!, played.course);
      return { build: { ...described(build), buildStatus: "IN_PROGRESS" } };
    },
    ListBuildsForProject: async () => ({ ids: builds.map(({ id }) => id).reverse() }),
    BatchGetBuilds: async ({ ids }: { ids: readonly string[] }) => ({
      builds: await Promise.all(builds.filter(({ id }) => ids.includes(id)).map(look)),
    }),
  };
  const server = createServer(async (request, response) => {
    const action = String(request.headers["x-amz-target"]).split(".")[1]!;
    const answer = await actions[action]!(JSON.parse(await bodyOf(request)) as never).then(
      (body) => ({ status: 200, body }),
      (error: Error) => ({ status: 400, body: { __type: error.message, message: "refused" } }),
    );
    response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const played: PlayedCodeBuild = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    started: [],
    course: succeeds,
    refusal: undefined,
    running: (tag, course) => void begin(tag, course),
    stop: () => void server.close().closeAllConnections(),
  };
  return played;
}

/** What a build that succeeds does in the end; gives the image's digest. */
export async function pushImage(
  ecr: ECRClient,
  repositoryName: string,
  tag: string,
): Promise<string> {
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    // moto makes the digest of these.
    layers: [{ digest: `sha256:${createHash("sha256").update(tag).digest("hex")}` }],
  };
  const { image } = await ecr.send(
    new PutImageCommand({
      repositoryName,
      imageTag: tag,
      imageManifest: JSON.stringify(manifest),
    }),
  );
  return image!.imageId!.imageDigest!;
}

function described({ id, tag }: Played): Partial<Build> {
  return {
    id,
    logs: { deepLink: `https://console.example/${id}` },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
      computeType: "BUILD_GENERAL1_LARGE",
      environmentVariables: [{ name: "IMAGE_TAG", value: tag }],
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
