import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describeOnMoto } from "../../python/moto";
import { createWorld, send, startApi } from "./apiOnMoto";

const bundler = resolve(__dirname, "../../../apps/bundle.mjs");

describe("The bundle of the tasks' API", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-task-api-"));
  const lambda = join(folder, "lambda.cjs");
  const local = join(folder, "local.cjs");
  before("bundle", () => {
    execFileSync(process.execPath, [bundler, "task-api/lambda", lambda]);
    execFileSync(process.execPath, [bundler, "task-api/local", local]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const load = (environment: Readonly<Record<string, string>>) =>
    spawnSync(
      process.execPath,
      ["-e", `console.log(Object.keys(require(${JSON.stringify(lambda)})).join())`],
      { cwd: folder, env: { PATH: process.env.PATH, ...environment }, encoding: "utf8" },
    );

  it("is under 2 MiB", () => {
    const { size } = statSync(lambda);
    assert.ok(size < 2 * 1024 * 1024, `${size} bytes`);
  });

  it("names all that its environment lacks at once", () => {
    const { status, stderr } = load({});
    assert.notEqual(status, 0);
    for (const name of ["STACK", "TABLE_NAME", "TASK_TOPIC_ARN", "RUNTIMES", "UPLOAD_BYTES"])
      assert.match(stderr, new RegExp(`^ {2}${name} is not set`, "m"));
  });

  describeOnMoto("on moto", (moto) => {
    it("exports the handler", async () => {
      const { environment } = await createWorld(moto());
      assert.equal(load(environment).stdout, "handler\n");
    });

    it("serves by itself", async () => {
      const { environment } = await createWorld(moto());
      const api = await startApi(environment, [local]);
      const body = { runtime: "comfy", type: "pipeline", content: { "1": {} } };
      assert.equal((await send("POST", `${api.url}/v1/tasks`, body)).status, 202);
      const upload = { bytes: 1, contentType: "image/png" };
      assert.equal((await send("POST", `${api.url}/v1/uploads`, upload)).status, 201);
      assert.equal(await api.stop(), 0);
    });
  });
});
