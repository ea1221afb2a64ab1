import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePorts } from "../cluster/controlPlane/freePorts";
import { describeOnMoto } from "../python/moto";
import { ManagedWorld, runtime } from "./harness/managedWorld";
import type { TaskClient } from "./harness/taskClient";
import { until } from "./harness/until";

const root = resolve(__dirname, "../..");
const python = join(root, "apps/inference-server/.venv/bin/python");

/** The server as its container runs it, with a model of a few thousand random weights. */
(existsSync(python) ? describeOnMoto : describe.skip)(
  "A managed runtime with our inference server in the container's place",
  function (this: Mocha.Suite, moto?: Parameters<Parameters<typeof describeOnMoto>[1]>[0]) {
    let folder: string;
    let server: ChildProcess;
    let world: ManagedWorld;
    let client: TaskClient;
    before("start it", async () => {
      folder = mkdtempSync(join(tmpdir(), "diffusion-fleet-server-"));
      const env = {
        PATH: process.env.PATH,
        HOME: folder,
        OMP_NUM_THREADS: "1",
        PYTHONPATH: [
          join(root, "apps/inference-server"),
          join(root, "tests/apps/inference-server"),
        ].join(":"),
      };
      const model = join(folder, "model");
      const script = `import pathlib, tiny_models; tiny_models.save_tiny_sd(pathlib.Path(${JSON.stringify(model)}))`;
      const made = spawnSync(python, ["-W", "ignore", "-c", script], { env, encoding: "utf8" });
      assert.equal(made.status, 0, made.stderr);
      const [port] = await freePorts(1);
      server = spawn(python, ["-W", "ignore", "-m", "inference_server", "serve"], {
        stdio: "ignore",
        env: {
          ...env,
          FRAMEWORK: "cpu",
          SAFETY_CHECKER: "off",
          MODEL_PATH: model,
          CACHE_PATH: join(folder, "cache"),
          PORT: String(port),
        },
      });
      const modelUrl = `http://127.0.0.1:${port}`;
      await until(
        "the server answers /ping",
        () =>
          fetch(`${modelUrl}/ping`).then(
            ({ status }) => (status === 200 ? true : undefined),
            () => undefined,
          ),
        120_000,
      );
      world = await ManagedWorld.start(moto!(), { modelUrl });
      ({ client } = await world.startApi());
      await world.startResults();
    });
    after("stop it", async () => {
      server?.kill("SIGKILL");
      await world?.stop();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    });

    const submit = (id: string, content: object, type = "text-to-image") =>
      client.submit({ id, runtime: runtime.name, type, content });
    const ended = (id: string) =>
      until(`${id} has ended`, async () => {
        const { body } = await client.task(id);
        return body.state === "queued" ? undefined : body;
      });

    it("draws, draws from what was drawn, and draws a seed once", async () => {
      const content = { prompt: "a dog", seed: 3, steps: 2, size: "64x64" };
      assert.equal((await submit("drawn", content)).status, 202);
      const drawn = await ended("drawn");
      assert.equal(drawn.state, "completed", drawn.failure?.message);
      const png = await world.object(drawn.images![0]!.location.split("/").slice(3).join("/"));

      const image = png.toString("base64");
      await submit("edited", { ...content, image }, "image-to-image");
      const edited = await ended("edited");
      assert.equal(edited.state, "completed", edited.failure?.message);

      await submit("again", content);
      const again = await ended("again");
      assert.deepEqual([again.state, again.attempts], ["completed", 0]);
      assert.equal(world.sageMaker.invocations.length, 2);
    });

    it("fails a task with the server's own words where the server refuses it", async () => {
      await submit("wrong", { prompt: "a dog", size: "7x7" });
      const { state, failure, attempts } = await ended("wrong");
      assert.deepEqual([state, failure?.code, attempts], ["failed", "refused", 1]);
      assert.match(failure?.message ?? "", /size/);
    });
  },
);
