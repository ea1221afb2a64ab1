import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { leaveCloudsOut } from "../../cli/plan/environment";
import { dependencies } from "../../package.json";
import { Cloud } from "./double/cloud";
import { ProviderServer } from "./double/server";
import { type Ended, killRunning, pulumi } from "./pulumiProcess";
import type { ExportedState, PreviewDocument } from "./state";

const root = resolve(__dirname, "../..");

/** Files of the checkout that Pulumi writes to. */
const COPIED = /^Pulumi(\..+)?\.yaml$/;

/** What encrypts the secrets of all worlds. */
export const PASSPHRASE = "correct horse battery staple";

const open = new Set<World>();

/**
 * One stack of the real program on the real engine: an engine's home, a state, a cloud, and a
 * project that is the checkout by links, and of which only the config files are copies.
 */
export class World {
  readonly #folder = mkdtempSync(join(tmpdir(), "fleet-engine-"));
  readonly #project = join(this.#folder, "project");
  readonly #state = join(this.#folder, "state");

  private constructor(
    readonly stack: string,
    readonly cloud: Cloud,
    private readonly server: ProviderServer,
  ) {
    open.add(this);
  }

  /** A world in which there is nothing yet. */
  static async empty(stack: string): Promise<World> {
    const world = await World.#of(stack, new Cloud());
    mkdirSync(world.#state);
    world.#linkCheckout();
    await world.succeed("stack", "init", stack);
    return world;
  }

  static async #of(stack: string, cloud: Cloud): Promise<World> {
    return new World(stack, cloud, await ProviderServer.start(cloud));
  }

  /** Another world that starts from where this one is. */
  async copy(): Promise<World> {
    const copy = await World.#of(this.stack, this.cloud.copy());
    cpSync(this.#state, copy.#state, { recursive: true });
    cpSync(this.#project, copy.#project, { recursive: true, verbatimSymlinks: true });
    return copy;
  }

  /** `pulumi config set PATH VALUE`, as a user types it. */
  async configure(path: string, value: string, ...flags: string[]): Promise<void> {
    await this.succeed("config", "set", "--path", path, value, ...flags);
  }

  async preview(...flags: string[]): Promise<PreviewDocument> {
    const { stdout } = await this.succeed("preview", "--json", ...flags);
    return JSON.parse(stdout) as PreviewDocument;
  }

  up(...flags: string[]): Promise<Ended> {
    return this.run("up", "--yes", "--skip-preview", ...flags);
  }

  refresh(...flags: string[]): Promise<Ended> {
    return this.run("refresh", "--yes", "--skip-preview", ...flags);
  }

  /** With the preview that a user sees: it is what stops at protected resources. */
  destroy(...flags: string[]): Promise<Ended> {
    return this.run("destroy", "--yes", ...flags);
  }

  async exportState(...flags: string[]): Promise<ExportedState> {
    const { stdout } = await this.succeed("stack", "export", ...flags);
    return JSON.parse(stdout) as ExportedState;
  }

  /** Runs a command on the stack, and fails with all that it printed if it fails. */
  async succeed(command: string, ...args: string[]): Promise<Ended> {
    const ended = await this.run(command, ...args);
    if (ended.status !== 0) throw new Error(`pulumi ${command} failed:\n${textOf(ended)}`);
    return ended;
  }

  run(command: string, ...args: string[]): Promise<Ended> {
    const stack = command === "stack" && args[0] === "init" ? [] : ["--stack", this.stack];
    return pulumi([command, ...args, ...stack], { cwd: this.#project, env: this.#environment() });
  }

  /** Everything that Pulumi has written about the stack: the backend's files and the config. */
  files(): { readonly path: string; readonly text: string }[] {
    const paths = readdirSync(this.#state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return [...paths, join(this.#project, `Pulumi.${this.stack}.yaml`)].map((path) => ({
      path,
      text: readFileSync(path, "utf8"),
    }));
  }

  close(): void {
    this.server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    open.delete(this);
  }

  #linkCheckout(): void {
    mkdirSync(this.#project);
    for (const entry of readdirSync(root)) {
      const link = join(this.#project, entry);
      if (COPIED.test(entry)) cpSync(join(root, entry), link);
      else if (entry !== ".git") symlinkSync(join(root, entry), link);
    }
  }

  /** That of the test run, without its clouds, and with this world's. */
  #environment(): NodeJS.ProcessEnv {
    const environment = { ...process.env };
    leaveCloudsOut(environment);
    return {
      ...environment,
      PULUMI_HOME: join(this.#folder, "home"),
      PULUMI_BACKEND_URL: `file://${this.#state}`,
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      // `npm run types` has checked them, and Pulumi's SDK takes several stack traces per property,
      // which ts-node maps back to the source: without both, a run takes half the time.
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --stack-trace-limit=0`.trim(),
      PULUMI_DEBUG_PROVIDERS: PROVIDERS.map((name) => `${name}:${this.server.port}`).join(","),
    };
  }
}

/** Everything that a run of the CLI printed. */
export function textOf({ stdout, stderr }: Ended): string {
  return `${stdout}\n${stderr}`;
}

/** Packages of the program that are a cloud provider's. */
const PROVIDERS = Object.keys(dependencies)
  .map((name) => /^@pulumi\/(?!pulumi$|policy$)(.+)$/.exec(name)?.[1])
  .filter((name) => name !== undefined);

/** Leaves nothing behind, however the test run ends. */
export function closeAll(): void {
  killRunning();
  for (const world of open) world.close();
}
