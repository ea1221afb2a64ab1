import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type AddOptions, addModel } from "../../../cli/model/add";
import type { Ask } from "../../../cli/model/licence";
import type { Imported } from "../../../cli/model/report";
import { type AwsCall, type Fate, startFaultyProxy } from "../../python/faultyProxy";
import { type Moto, motoEnvironment } from "../../python/moto";
import { type TinyFiles, writeFiles } from "./tinyModel";

export const BUCKET = "models-of-a-test";

const STACK = `# A stack of a test.
config:
  aws:region: us-west-2
  diffusion-fleet:models:
    sd21: {} # the first
    checked: { pathPrefix: /checked, safetyChecker: true }
`;

/** The command's, and which model it is for. */
export type ImportOptions = {
  readonly [Name in keyof AddOptions]?: AddOptions[Name] | undefined;
} & { readonly model?: string };

/** A project, folders of models, and a bucket behind a proxy that sees each call. */
export class ImportWorld {
  readonly root = mkdtempSync(join(tmpdir(), "fleet-model-"));
  /** Calls of S3 that change something, and their paths, in order. */
  writes: string[] = [];
  largestBody = 0;
  decide: (call: AwsCall) => Fate = () => "pass";
  #proxy: { readonly endpoint: string; stop(): Promise<void> } | undefined;
  #s3: S3Client | undefined;
  readonly #before = { ...process.env };

  async start(moto: Moto): Promise<void> {
    writeFileSync(join(this.root, "Pulumi.yaml"), "name: diffusion-fleet\nruntime: nodejs\n");
    this.#proxy = await startFaultyProxy(moto.endpoint, (call) => {
      const fate = this.decide(call);
      this.largestBody = Math.max(this.largestBody, call.body.length);
      if (["PUT", "POST", "DELETE"].includes(call.method)) this.writes.push(pathOf(call));
      return fate;
    });
    const environment = motoEnvironment({ endpoint: this.#proxy.endpoint });
    Object.assign(process.env, environment, { AWS_MAX_ATTEMPTS: "1" });
    delete process.env.HF_TOKEN;
    this.#s3 = new S3Client({
      region: "us-west-2",
      endpoint: moto.endpoint,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      forcePathStyle: true,
    });
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    this.#s3?.destroy();
    rmSync(this.root, { recursive: true });
    for (const name of Object.keys(process.env))
      if (this.#before[name] === undefined) delete process.env[name];
    Object.assign(process.env, this.#before);
  }

  /** Nothing has been written, and the bucket and the stack's file are new. */
  async renew(): Promise<void> {
    writeFileSync(this.stackFile, STACK);
    rmSync(join(this.root, "model"), { recursive: true, force: true });
    this.decide = () => "pass";
    const keys = await this.keys().catch(() => undefined);
    if (keys === undefined)
      await this.#s3!.send(
        new CreateBucketCommand({
          Bucket: BUCKET,
          CreateBucketConfiguration: { LocationConstraint: "us-west-2" },
        }),
      );
    this.writes = [];
    this.largestBody = 0;
  }

  get stackFile(): string {
    return join(this.root, "Pulumi.dev.yaml");
  }

  /** Imports `files` from a folder that holds just them. */
  addFrom(files: TinyFiles, options: ImportOptions = {}, ask?: Ask): Promise<Imported> {
    const folder = join(this.root, "model");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeFiles(folder, files);
    return this.add({ from: folder, ...options }, ask);
  }

  add({ model = "sd21", ...options }: ImportOptions, ask?: Ask): Promise<Imported> {
    const all = {
      framework: "cuda",
      stack: "dev",
      bucket: BUCKET,
      acceptLicence: "openrail++",
      apply: false,
      dryRun: false,
      ...options,
    } as AddOptions;
    const transfer = { begin: () => () => undefined, end: () => undefined };
    return addModel(this.root, model, all, { transfer, ...(ask && { ask }) });
  }

  /** Runs the command line as its users do, on this world's project. */
  fleet(
    args: readonly string[],
  ): Promise<{ status: number | null; stdout: string; stderr: string }> {
    return new Promise((ended, failed) => {
      const child = spawn(
        process.execPath,
        [resolve(__dirname, "../../../cli/fleet.mjs"), ...args],
        {
          env: { ...process.env, DIFFUSION_FLEET_PROJECT: this.root },
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      const said = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const)
        child[stream].setEncoding("utf8").on("data", (chunk: string) => {
          said[stream] += chunk;
        });
      child.on("error", failed);
      child.on("close", (status) => ended({ status, ...said }));
    });
  }

  async keys(prefix = ""): Promise<string[]> {
    const { Contents = [] } = await this.#s3!.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }),
    );
    return Contents.map(({ Key }) => Key!).sort();
  }

  /** As somebody else would, without the command. */
  async put(key: string, body: Buffer): Promise<void> {
    await this.#s3!.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  }

  async object(key: string) {
    const answer = await this.#s3!.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: key, ChecksumMode: "ENABLED" }),
    );
    return { ...answer, content: Buffer.from(await answer.Body!.transformToByteArray()) };
  }

  /** Puts an import into a folder, as a pod finds it. */
  async download(imported: Imported): Promise<string> {
    const folder = mkdtempSync(join(this.root, "downloaded-"));
    const prefix = imported.destination!.slice(`s3://${BUCKET}/`.length);
    for (const key of await this.keys(prefix)) {
      const file = join(folder, key.slice(prefix.length));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, (await this.object(key)).content);
    }
    return folder;
  }

  stackText(): string {
    return readFileSync(this.stackFile, "utf8");
  }
}

function pathOf({ method, path }: AwsCall): string {
  return `${method} ${path.split("?")[0]!.replace(`/${BUCKET}/`, "")}`;
}
