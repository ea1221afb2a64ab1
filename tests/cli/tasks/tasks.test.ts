import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { PNG } from "pngjs";
import { describeOnMoto } from "../../python/moto";
import type { Ended } from "../fleetProcess";
import { startTaskStage, type TaskStage } from "./taskStage";

describeOnMoto("fleet tasks", (moto) => {
  let stage: TaskStage;

  before("start the API and an agent", async () => {
    stage = await startTaskStage(moto());
  });
  after("stop them", () => stage?.stop());

  const json = ({ status, stdout, stderr }: Ended, expected = 0) => {
    assert.equal(status, expected, `${stdout}\n${stderr}`);
    return JSON.parse(stdout);
  };
  const png = (size: number): string => {
    const file = join(stage.folder, `${size}.png`);
    const image = new PNG({ width: size, height: size });
    image.data.fill(200);
    writeFileSync(file, PNG.sync.write(image));
    return file;
  };

  it("lists the runtimes", async () => {
    const { runtimes } = json(await stage.fleetTasks(["runtimes", "--json"]));
    assert.deepEqual(
      runtimes.map(({ name }: { name: string }) => name),
      ["drawings", "workflows"],
    );
    const { stdout } = await stage.fleetTasks(["runtimes"]);
    assert.match(stdout, /drawings +fleet .*600 s\n +text-to-image, image-to-image\n/);
  });

  it("submits several tasks, waits for them, and downloads their images", async () => {
    const to = join(stage.folder, "three");
    const args = ["--runtime", "drawings", "--prompt", "hills", "--count", "3", "--id", "three"];
    const ended = await stage.fleetTasks(["submit", ...args, "--download", to, "--json"]);
    const { tasks, files } = json(ended);
    assert.deepEqual(
      tasks.map(({ id, state }: Record<string, string>) => [id, state]),
      [1, 2, 3].map((index) => [`three-${index}`, "completed"]),
    );
    const images = files.filter(({ file }: { file: string }) => file.endsWith(".png"));
    assert.equal(images.length, 3);
    for (const { file } of images) assert.equal(PNG.sync.read(readFileSync(file)).width, 512);
  });

  it("gives the same task for the same id and content, and refuses another content", async () => {
    const submit = (prompt: string) =>
      stage.fleetTasks(
        ["submit", "--runtime", "workflows", "--content", "-", "--id", "same", "--json"],
        {
          stdin: JSON.stringify({ prompt: { 1: { class_type: prompt } } }),
        },
      );
    assert.deepEqual(json(await submit("KSampler")), json(await submit("KSampler")));
    const { status, stderr } = await submit("Other");
    assert.equal(status, 2);
    assert.match(stderr, /409/);
    assert.match(stderr, /id is "same"/);
  });

  it("uploads an image, and puts it where the type wants it", async () => {
    const args = [
      "--runtime",
      "drawings",
      "--prompt",
      "snow",
      "--image",
      png(300),
      "--id",
      "from-image",
    ];
    const { tasks } = json(await stage.fleetTasks(["submit", ...args, "--wait", "--json"]));
    assert.deepEqual([tasks[0].state, tasks[0].type], ["completed", "image-to-image"]);
  });

  it("shows a task, follows it, and downloads its results later", async () => {
    const submit = ["submit", "--runtime", "drawings", "--prompt", "sea", "--id", "later"];
    assert.equal((await stage.fleetTasks(submit)).status, 0);
    const followed = await stage.fleetTasks(["follow", "later"]);
    assert.equal(followed.status, 0);
    assert.match(followed.stdout, /later +drawings +completed +1/);
    assert.match(followed.stderr, /later completed/);
    const shown = await stage.fleetTasks(["show", "later"]);
    assert.match(shown.stdout, /later +completed\n/);
    assert.match(shown.stdout, /image +later-.*\.png, \d+ KiB/);
    const to = join(stage.folder, "later");
    const { files } = json(await stage.fleetTasks(["download", "later", "--to", to, "--json"]));
    assert.deepEqual(files.map(({ contentType }: { contentType: string }) => contentType).sort(), [
      "application/json",
      "image/png",
    ]);
  });

  it("cancels what has not started, and says why what has is not cancelled", async () => {
    const stdin = JSON.stringify({ prompt: {} });
    const submit = ["submit", "--runtime", "workflows", "--content", "-", "--id", "waits"];
    await stage.fleetTasks(submit, { stdin });
    assert.match((await stage.fleetTasks(["cancel", "waits"])).stdout, /waits is cancelled/);
    const { tasks } = json(await stage.fleetTasks(["follow", "waits", "--json"]), 1);
    assert.equal(tasks[0].state, "cancelled");
    await stage.fleetTasks([
      "submit",
      "--runtime",
      "drawings",
      "--prompt",
      "x",
      "--id",
      "ended",
      "--wait",
    ]);
    const { status, stdout } = await stage.fleetTasks(["cancel", "ended"]);
    assert.equal(status, 1);
    assert.match(stdout, /ended is not cancelled: .*409/);
  });

  it("shows why a task is a dead letter without taking it away, and brings it back", async () => {
    const content = JSON.stringify({ prompt: "too large", size: "9000x9000" });
    const args = [
      "submit",
      "--runtime",
      "drawings",
      "--content",
      "-",
      "--id",
      "too-large",
      "--wait",
    ];
    const submitted = await stage.fleetTasks(args, { stdin: content });
    assert.equal(submitted.status, 1);
    assert.match(submitted.stdout, /too-large failed: refused\n.*size: at most 1024/s);
    const { DEAD_LETTER_QUEUE_URL: url } = stage.world.agents.get("drawings")!;
    await stage.aws.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "not a task" }));

    for (let look = 0; look < 2; look += 1) {
      const { deadLetters } = json(
        await stage.fleetTasks(["dead-letters", "drawings", "--json"]),
      ) as { deadLetters: Record<string, unknown>[] };
      const [own, foreign] = [...deadLetters].sort((a) => (a.id === null ? 1 : -1));
      assert.equal(deadLetters.length, 2);
      assert.deepEqual([own!.id, own!.code, own!.attempts], ["too-large", "refused", 1]);
      assert.match(String(own!.reason), /at most 1024/);
      assert.deepEqual([foreign!.id, foreign!.code, foreign!.attempts], [null, null, null]);
      assert.match(String(foreign!.reason), /No agent has said why/);
    }
    const text = (await stage.fleetTasks(["dead-letters", "drawings"])).stdout;
    assert.match(text, /too-large +refused +1 /);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);

    const asked = await stage.fleetTasks(["redrive", "drawings"]);
    assert.equal(asked.status, 2);
    assert.match(asked.stderr, /About 2 messages .*--yes/);
    const moved = json(await stage.fleetTasks(["redrive", "drawings", "--yes", "--json"]));
    assert.deepEqual([moved.moved, moved.status], [2, "COMPLETED"]);
    // They fail once more, each with an agent's reason now.
    await until(async () => (await waiting(url!)) === 2);
    const { deadLetters } = json(await stage.fleetTasks(["dead-letters", "drawings", "--json"]));
    assert.deepEqual(deadLetters.map(({ code }: { code: string }) => code).sort(), [
      "malformed",
      "refused",
    ]);
  });

  it("names what is wrong, and what there is", async () => {
    const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [["submit", "--runtime", "drawing", "--prompt", "x"], /drawings, workflows.*"drawings"\?/],
      [["submit", "--runtime", "drawings"], /--prompt TEXT/],
      [
        ["submit", "--runtime", "workflows", "--prompt", "x", "--type", "text-to-image"],
        /workflows takes pipeline/,
      ],
      [["submit", "--runtime", "workflows", "--image", png(8)], /Write "@image"/],
      [
        ["submit", "--runtime", "drawings", "--image", join(stage.folder, "none.png")],
        /cannot be read/,
      ],
      [["submit", "--runtime", "drawings", "--image", __filename], /png, jpeg/],
      [
        ["submit", "--runtime", "drawings", "--prompt", "x", "--id", "a b"],
        /400: id is "a b": [^\n]+\n$/,
      ],
      [["show", "nobody-knows-it"], /404.*\n.*nobody-knows-it/],
      [["runtimes", "--api", "somewhere"], /no address of an API/],
      [["runtimes", "--api-key", "wrong"], /403: Forbidden\n.*FLEET_API_KEY/],
      [
        ["dead-letters", "nothing"],
        /Stack dev has no runtime nothing; it has drawings, workflows\. Did you mean/,
      ],
      [["redrive", "drawing"], /Did you mean "drawings"\?/],
      [["dead-letters", "drawings", "--stack", "none"], /There is no stack "none"/],
      [["submit", "--runtime", "drawings", "--prompt", "x", "--count", "0"], /whole number/],
    ];
    for (const [args, says] of cases) {
      const { status, stdout, stderr } = await stage.fleetTasks(args);
      assert.deepEqual([status, stdout], [2, ""], args.join(" "));
      assert.match(stderr, says);
    }
  });

  it("says what to do when nobody answers", async () => {
    const nobody = { environment: { FLEET_API_URL: "http://127.0.0.1:9" } };
    const { status, stderr } = await stage.fleetTasks(["cancel", "x"], nobody);
    assert.equal(status, 2);
    assert.match(stderr, /cannot be reached: .*Is --api \(FLEET_API_URL\) right\?\n$/s);
  });

  it("names a queue that is not there, where the stack should have it", async () => {
    const elsewhere = { environment: { AWS_REGION: "eu-central-1" } };
    const { status, stderr } = await stage.fleetTasks(["dead-letters", "drawings"], elsewhere);
    assert.equal(status, 2);
    assert.match(
      stderr,
      /no queue diffusion-fleet-dev-tasks-drawings-dead-letters in eu-central-1/,
    );
  });

  async function waiting(QueueUrl: string): Promise<number> {
    const { Attributes } = await stage.aws.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  }
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(200);
}
