import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProfileResult } from "../../../cli/profile/result";
import { runProfile } from "../../../cli/profile/run";
import type { ProfileOptions } from "../../../cli/profile/settings";
import { UserError } from "../../../contracts/userError";
import { defaults } from "./defaults";
import { type SlottedServer, type SlottedServerOptions, slottedServer } from "./slottedServer";

const ROOT = join(__dirname, "../../..");

const STACK = `# Ours: keep this.
config:
  aws:region: us-west-2
  diffusion-fleet:units:
    tiny-g5-cuda: # on trial
      model: tiny
      accelerator: g5
      framework: cuda
      instanceTypes: [g5.xlarge, g5.2xlarge]
    # The other one.
    tiny-inf2-neuron:
      model: tiny
      accelerator: inf2
      framework: neuron
`;

describe("fleet profile", () => {
  let folder: string;
  let server: SlottedServer | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-profile-"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: diffusion-fleet\nruntime: nodejs\n");
    writeFileSync(join(folder, "Pulumi.trial.yaml"), STACK);
    const program = JSON.stringify(join(ROOT, "cli/project"));
    writeFileSync(join(folder, "project.ts"), `export { project } from ${program};\n`);
  });

  afterEach(async () => {
    await server?.close();
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  /** Runs the command on a server; `onStderr` sees what it says on the way. */
  async function profile(
    options: SlottedServerOptions,
    args: readonly string[],
    onStderr: (text: string, interrupt: () => void) => void = () => undefined,
  ) {
    server = await slottedServer(options);
    const all = [join(ROOT, "cli/fleet.mjs"), "profile", "--url", server.url, ...args];
    const child = spawn(process.execPath, all, {
      cwd: folder,
      env: { ...process.env, DIFFUSION_FLEET_PROJECT: folder, INIT_CWD: folder },
    });
    const [output, said] = [[] as string[], [] as string[]];
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.push(text);
      onStderr(said.join(""), () => child.kill("SIGINT"));
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    return { status, stdout: output.join(""), stderr: said.join("") };
  }

  const quick = ["--start-rate", "6", "--growth", "1.6", "--step-seconds", "0.7"];
  const unit = ["--unit", "tiny-g5-cuda", "--stack", "trial"];

  it("writes a result, a picture and the unit's measurement", async () => {
    const { status, stdout, stderr } = await profile(
      { slots: 1, serviceMs: 80, apiKey: "abc" },
      [
        ...[...quick, "--objective", "250ms", ...unit, "--apply"],
        ...["--out", "r.json", "--svg", "r.svg", "--api-key-file", "key"],
      ].map((each) => (each === "key" ? writeKey() : each)),
    );
    assert.equal(status, 0, stderr);
    for (const line of `${stdout}${stderr}`.split("\n"))
      if (!/^(Written|Pulumi)/.test(line)) assert.ok(line.length <= 80, line);

    const result: ProfileResult = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
    const { breakingPoint: point, pricePerHour = 0, costPerThousandImages = 0 } = result;
    assert.equal(result.host, new URL(server!.url).host);
    assert.equal(result.unit, "tiny-g5-cuda");
    assert.equal(result.instanceType, "g5.xlarge");
    assert.equal(pricePerHour, 1.006);
    assert.ok(
      Math.abs(costPerThousandImages - (pricePerHour / 60 / point!.imagesPerMinute) * 1000) < 1e-9,
    );
    assert.ok(Math.abs(result.costPerInference! * 1000 - costPerThousandImages) < 1e-9);
    assert.equal(result.requestsSent, server!.arrived());
    for (const secret of ["abc", "/v1"]) assert.ok(!JSON.stringify(result).includes(secret));

    const svg = readFileSync(join(folder, "r.svg"), "utf8");
    for (const text of ["tiny-g5-cuda", "objective 0.25 s", "breaking point", "images a minute"])
      assert.ok(svg.includes(text), text);

    const written = readFileSync(join(folder, "Pulumi.trial.yaml"), "utf8");
    const added = written.split("\n").filter((line) => !STACK.includes(line));
    assert.equal(added.length, 1);
    assert.match(added[0]!, /^ {6}measurement: \{ throughput: [\d.]+, latencySeconds: 0\.\d+ \}$/);
    assert.equal(written.replace(`${added[0]}\n`, ""), STACK);
    assert.match(stderr, /units\.tiny-g5-cuda\.measurement: none → /);
  });

  it("says so, and ends with 1, when even little load is too much", async () => {
    const { status, stdout, stderr } = await profile({ slots: 1, serviceMs: 120 }, [
      ...[...quick, "--objective", "50ms", ...unit, "--apply"],
    ]);
    assert.equal(status, 1, stderr);
    assert.match(stdout, /No breaking point within what was allowed: even the fastest answer took/);
    assert.match(stderr, /--apply: nothing was written/);
    assert.equal(readFileSync(join(folder, "Pulumi.trial.yaml"), "utf8"), STACK);
  });

  it("keeps what it has when it is interrupted", async () => {
    const { status, stdout, stderr } = await profile(
      { slots: 8, serviceMs: 20 },
      ["--start-rate", "10", "--step-seconds", "0.5", "--growth", "1.05", "--json"],
      (said, interrupt) => {
        if (said.split("held").length > 2) interrupt();
      },
    );
    assert.equal(status, 130, stderr);
    const result: ProfileResult = JSON.parse(stdout);
    assert.ok(result.steps.length >= 2);
    assert.equal(result.breakingPoint?.limitedBy, "interrupted");
    assert.equal(result.requestsSent, server!.arrived());
  });

  it("never sends more than --max-requests, the first image included", async () => {
    const { status, stdout } = await profile({ slots: 8, serviceMs: 10 }, [
      ...["--start-rate", "20", "--step-seconds", "0.5", "--max-requests", "30", "--json"],
    ]);
    assert.equal(status, 0);
    assert.ok(server!.arrived() <= 30);
    assert.equal(JSON.parse(stdout).breakingPoint.limitedBy, "max-requests");
  });

  const refused: readonly (readonly [string, Partial<ProfileOptions>, RegExp])[] = [
    [
      "a unit that is not there",
      { unit: "tiny-g5-cude", stack: "trial" },
      /^--unit tiny-g5-cude: .*tiny-g5-cuda, tiny-inf2-neuron.* Did you mean "tiny-g5-cuda"/,
    ],
    [
      "a stack that is not there",
      { unit: "tiny-g5-cuda", stack: "trail" },
      /no stack "trail".*"trial"/,
    ],
    [
      "a file that cannot be written",
      { out: "/no/where.json" },
      /^--out \/no\/where\.json: there is no folder/,
    ],
  ];
  for (const [what, options, message] of refused)
    it(`refuses ${what} before it sends anything`, async () => {
      server = await slottedServer({ slots: 1, serviceMs: 5 });
      const run = runProfile(folder, { ...defaults, url: server.url, ...options });
      await assert.rejects(
        run,
        (error) => error instanceof UserError && message.test(error.message),
      );
      assert.equal(server.arrived(), 0);
    });

  it("shows what the server says when it gives no image, and goes no further", async () => {
    server = await slottedServer({ slots: 1, serviceMs: 5, apiKey: "abc" });
    const svg = join(folder, "r.svg");
    await assert.rejects(
      runProfile(folder, { ...defaults, url: server.url, svg }),
      /gives no image: 401: no such key \(a key goes into a file: --api-key-file FILE\)/,
    );
    assert.ok(!existsSync(svg));
  });

  function writeKey(): string {
    writeFileSync(join(folder, "key"), "abc\n");
    return "key";
  }
});
