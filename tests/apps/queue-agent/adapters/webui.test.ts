import assert from "node:assert/strict";
import { createAdapter } from "../../../../apps/queue-agent/adapters/createAdapter";
import { drawnPng, sizeOf } from "../runtimes/drawnPng";
import { start, type WebuiOptions } from "../runtimes/webui";
import { aborted, always, bytesOf, failsAs, taskOf, until } from "./asked";

const image = drawnPng({ subject: "a cat" }).toString("base64");

describe("the adapter of Stable Diffusion WebUI", () => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
  });

  async function serving(options: WebuiOptions = {}, dynamicModel = false) {
    const server = await start(options);
    const adapter = createAdapter("webui", { url: server.url, dynamicModel });
    running.push({ stop: () => adapter.close().then(server.stop) });
    return { server, adapter };
  }

  it("is ready once the API has its options", async () => {
    const { adapter } = await serving({ notReadyTimes: 1 });
    assert.match((await adapter.readiness(always)) as string, /404: Not Found/);
    assert.equal(await adapter.readiness(always), undefined);
  });

  it("draws text-to-image as the guidance's clients ask for it", async () => {
    const { adapter, server } = await serving();
    const content = { alwayson_scripts: {}, prompt: "A dog", steps: 16, width: 512, height: 512 };
    const result = await adapter.run(
      taskOf("text-to-image", { ...content, batch_size: 2, n_iter: 2 }, { traceparent: "00-1" }),
      always,
    );
    assert.equal(
      new Set((await bytesOf(result)).map((bytes) => String(sizeOf(bytes).width))).size,
      1,
    );
    assert.equal(result.images.length, 4);
    assert.deepEqual(
      server.runs.map(({ path }) => path),
      ["/sdapi/v1/txt2img"],
    );
    assert.deepEqual(server.runs[0]?.body, { ...content, batch_size: 2, n_iter: 2 });
    assert.equal(server.runs[0]?.headers.traceparent, "00-1");
  });

  it("writes the output as the guidance's agent does, and the info too", async () => {
    const { adapter } = await serving();
    const content = { prompt: "A dog", batch_size: 2 };
    const { output } = await adapter.run(taskOf("text-to-image", content), always);
    const { info, ...rest } = output as { info: string };
    assert.deepEqual(rest, {
      images: [""],
      parameters: {
        ...content,
        alwayson_scripts: {},
        init_images: null,
        id_task: "task-1",
        image_seed: "1000,1001",
        error_msg: "",
      },
    });
    assert.deepEqual((JSON.parse(info) as { all_seeds: unknown }).all_seeds, [1000, 1001]);
  });

  it("moves what v1alpha1 has in alwayson_scripts to its place, and drops what is no script", async () => {
    const { adapter, server } = await serving();
    const content = {
      alwayson_scripts: {
        task: "image-to-image",
        image_link: image,
        id_task: "test-i2i",
        uid: "u",
        sd_model_checkpoint: "another.safetensors",
        sd_vae: "v",
        save_dir: "outputs",
        override_settings: { CLIP_stop_at_last_layers: 2, eta: 1 },
      },
      override_settings: { eta: 0, samples_format: "png" },
      prompt: "cat wizard",
    };
    await adapter.run(taskOf("image-to-image", content), always);
    assert.equal(server.runs[0]?.path, "/sdapi/v1/img2img");
    assert.deepEqual(server.runs[0].body, {
      prompt: "cat wizard",
      init_images: [image],
      alwayson_scripts: {},
      override_settings: { eta: 1, samples_format: "png", CLIP_stop_at_last_layers: 2 },
    });
  });

  it("passes scripts on", async () => {
    const { adapter, server } = await serving();
    const content = { prompt: "a", alwayson_scripts: { ControlNet: { args: [{}] } } };
    await failsAs(
      "refused",
      /422: always on script ControlNet not found/,
      adapter.run(taskOf("text-to-image", content), always),
    );
    assert.deepEqual(server.runs[0]?.body, content);
  });

  it("upscales an image by extra-single-image", async () => {
    const { adapter, server } = await serving();
    const content = { upscaler_1: "R-ESRGAN 4x+", upscaling_resize: 4, image };
    const result = await adapter.run(taskOf("extra-single-image", content), always);
    assert.equal((await bytesOf(result)).length, 1);
    assert.deepEqual(server.runs[0]?.body, content);
    assert.deepEqual(result.output, {
      images: [""],
      parameters: { html_info: "<p>4x</p>", id_task: "task-1", error_msg: "" },
      info: "",
    });
  });

  it("keeps inputs that come back out of the output", async () => {
    const { adapter } = await serving();
    const content = { init_images: [image], include_init_images: true, mask: image };
    const { output } = await adapter.run(taskOf("image-to-image", content), always);
    assert.ok(!JSON.stringify(output).includes(image));
  });

  it("does not try again what WebUI calls an error of its own although the image is wrong", async () => {
    const { adapter } = await serving();
    await failsAs(
      "refused",
      /500: Invalid encoded image/,
      adapter.run(taskOf("image-to-image", { init_images: ["bm8="] }), always),
    );
    await failsAs(
      "refused",
      /404: Init image not found/,
      adapter.run(taskOf("image-to-image", {}), always),
    );
    await failsAs(
      "refused",
      /content\.alwayson_scripts/,
      adapter.run(taskOf("text-to-image", { alwayson_scripts: [] }), always),
    );
  });

  it("takes no workflows", async () => {
    const { adapter } = await serving();
    await failsAs("unsupported", /pipeline/, adapter.run(taskOf("pipeline", {}), always));
  });

  describe("with models that tasks choose", () => {
    const checkpoints = ["a.safetensors [1111111111]", "b.safetensors [2222222222]"];

    for (const [title, content] of [
      ["in alwayson_scripts", { alwayson_scripts: { sd_model_checkpoint: "b.safetensors" } }],
      ["in override_settings", { override_settings: { sd_model_checkpoint: checkpoints[1]! } }],
      ["by the model's name", { alwayson_scripts: { sd_model_checkpoint: "b" } }],
    ] as const)
      it(`loads the checkpoint that is named ${title} before it draws`, async () => {
        const { adapter, server } = await serving({ checkpoints }, true);
        await adapter.run(taskOf("text-to-image", { prompt: "a", ...content }), always);
        assert.equal(server.checkpoint, checkpoints[1]);
        assert.deepEqual(server.requests, [
          "GET /sdapi/v1/options",
          "POST /sdapi/v1/refresh-checkpoints",
          "GET /sdapi/v1/sd-models",
          "POST /sdapi/v1/options",
          "POST /sdapi/v1/txt2img",
        ]);
      });

    it("leaves the one that is loaded, with or without its hash in the name", async () => {
      const { adapter, server } = await serving({ checkpoints }, true);
      for (const sd_model_checkpoint of ["a.safetensors", checkpoints[0]!]) {
        const content = { prompt: "a", alwayson_scripts: { sd_model_checkpoint } };
        await adapter.run(taskOf("text-to-image", content), always);
      }
      assert.ok(!server.requests.includes("POST /sdapi/v1/options"));
    });

    it("finds one that was added to the disk since", async () => {
      const { adapter, server } = await serving({ checkpoints, newCheckpoints: ["c.ckpt"] }, true);
      const content = { prompt: "a", alwayson_scripts: { sd_model_checkpoint: "c.ckpt" } };
      await adapter.run(taskOf("text-to-image", content), always);
      assert.equal(server.checkpoint, "c.ckpt");
    });

    it("refuses one that is not there, and names those that are", async () => {
      const { adapter, server } = await serving({ checkpoints }, true);
      const content = { prompt: "a", alwayson_scripts: { sd_model_checkpoint: "z" } };
      const run = adapter.run(taskOf("text-to-image", content), always);
      await failsAs("refused", /checkpoint z is not there.*a\.safetensors.*b\.safetensors/, run);
      assert.deepEqual(server.runs, []);
      assert.equal(server.checkpoint, checkpoints[0]);
    });

    it("says nothing of models without one", async () => {
      const { adapter, server } = await serving({ checkpoints }, true);
      await adapter.run(taskOf("text-to-image", { prompt: "a" }), always);
      assert.deepEqual(server.requests, ["POST /sdapi/v1/txt2img"]);
    });

    it("fails as WebUI does when it cannot load it", async () => {
      const { adapter } = await serving(
        {
          checkpoints,
          otherFault: (asked) =>
            asked === "POST /sdapi/v1/options"
              ? { status: 500, message: "CUDA out of memory" }
              : undefined,
        },
        true,
      );
      const content = { prompt: "a", alwayson_scripts: { sd_model_checkpoint: "b" } };
      const run = adapter.run(taskOf("text-to-image", content), always);
      await failsAs("runtime", /CUDA out of memory/, run);
    });
  });

  it("interrupts the run when it is aborted, and has let go of WebUI when it says so", async () => {
    const { adapter, server } = await serving({
      runMs: ({ number }) => (number === 1 ? 60_000 : 0),
    });
    const task = taskOf("text-to-image", { prompt: "a" });
    const error = await aborted(adapter, task, () => server.runs.length === 1);
    assert.match(String(error), /the claim is lost/);
    assert.equal(server.runs[0]?.state, "interrupted");
    assert.equal((await adapter.run(task, always)).images.length, 1);
  });

  it("leaves a WebUI alone that does not stop", async () => {
    const { adapter, server } = await serving({ fault: () => "hang" });
    const task = taskOf("text-to-image", { prompt: "a" });
    const error = await aborted(adapter, task, () => server.runs.length === 1);
    assert.match(String(error), /the claim is lost/);
    assert.ok(server.requests.includes("POST /sdapi/v1/interrupt"));
    await until(() => server.runs[0]?.state === "failed");
  });
});
