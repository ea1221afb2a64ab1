import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { EmbeddedMetrics } from "../../apps/queue-agent/embeddedMetrics";
import { embeddedMetricsValues } from "../../components/embeddedMetrics";
import { METRIC_NAMESPACE } from "../../contracts/metrics";

const agent = { namespace: "diffusion-fleet", container: "queue-agent" };

/** The add-on's own files, which are included in the order of their names. */
const shipped = ["application-log.conf", "dataplane-log.conf", "host-log.conf"];

function filesFor(...writers: (typeof agent)[]): Readonly<Record<string, string>> {
  const { containerLogs } = embeddedMetricsValues(writers);
  return containerLogs?.fluentBit.config.extraFiles ?? {};
}

describe("The values that bring metrics out of logs", () => {
  it("replace none of the add-on's files, and come after the one that parses the lines", () => {
    const [file, ...more] = Object.keys(filesFor(agent));
    assert.deepEqual(more, []);
    assert.ok(!shipped.includes(file!));
    const included = [...shipped, file!].sort();
    assert.ok(included.indexOf(file!) > included.indexOf("application-log.conf"));
  });

  it("have nothing that the chart, or Fluent Bit, would put something else for", () => {
    assert.doesNotMatch(Object.values(filesFor(agent)).join(), /\{\{|\$\{/);
  });

  it("are none where nobody writes metrics", () => {
    assert.deepEqual(embeddedMetricsValues([]), {});
  });
});

const { status } = spawnSync("fluent-bit", ["--version"]);
const isThere = status === 0;

/** Fluent Bit as the add-on has it, but for its output: what it makes of lines of logs. */
describe(`Fluent Bit with them${isThere ? "" : " (skipped: fluent-bit is not installed)"}`, () => {
  let folder: string;
  let apiServer: Server;
  let fluentBit: ChildProcess | undefined;
  const events: Record<string, unknown>[] = [];

  const metrics: string[] = [];
  new EmbeddedMetrics({
    namespace: METRIC_NAMESPACE,
    stack: "dev",
    runtime: "drafts",
    write: (line) => metrics.push(line),
  }).publish([
    { name: "tasks-completed", unit: "Count", value: 1 },
    { name: "task-run", unit: "Seconds", value: 1.234_567 },
  ]);
  const entry = JSON.stringify({
    time: "2026-08-01T12:00:00.000Z",
    message: "stored",
    stack: "dev",
  });

  const wanted = 6;
  before("run it over three containers' logs", async function () {
    if (!isThere) return this.skip();
    folder = mkdtempSync(join(tmpdir(), "fluent-bit-"));
    apiServer = createServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
    await once(apiServer, "listening");
    const { port } = apiServer.address() as AddressInfo;
    for (const [name, text] of Object.entries(filesFor(agent)))
      writeFileSync(join(folder, name), text);
    writeLog("pod-1_diffusion-fleet_queue-agent", [metrics[0]!, entry, "no JSON"]);
    writeLog("pod-1_diffusion-fleet_runtime", [metrics[0]!]);
    writeLog("pod-1_another_queue-agent", [metrics[0]!, entry]);
    writeFileSync(join(folder, "application-log.conf"), applicationLog(port));
    const included = [...Object.keys(filesFor(agent)), "application-log.conf"].sort();
    writeFileSync(
      join(folder, "fluent-bit.conf"),
      ["[SERVICE]", "  Flush 0.2", ...included.map((name) => `@INCLUDE ${name}`), ""].join("\n"),
    );
    fluentBit = spawn("fluent-bit", ["-q", "-c", "fluent-bit.conf"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface(fluentBit.stdout!)) {
      events.push(JSON.parse(line));
      if (events.length === wanted) break;
    }
    assert.equal(events.length, wanted);
  });
  after("stop it", async () => {
    if (fluentBit !== undefined && fluentBit.exitCode === null) {
      fluentBit.kill("SIGKILL");
      await once(fluentBit, "exit");
    }
    apiServer?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it("leaves an agent's metrics at the root of their event, as they were written", () => {
    const [event, ...more] = of("pod-1_diffusion-fleet_queue-agent").filter(isMetric);
    assert.deepEqual(more, []);
    const line = JSON.parse(metrics[0]!) as Record<string, unknown>;
    for (const [key, value] of Object.entries(line)) assert.deepEqual(event![key], value, key);
    for (const key of ["log_processed", "embedded_metrics"]) assert.ok(!(key in event!), key);
  });

  it("leaves an agent's other lines where everybody's are", () => {
    const others = of("pod-1_diffusion-fleet_queue-agent").filter((event) => !isMetric(event));
    assert.deepEqual(
      others.map(({ log_processed }) => log_processed),
      [JSON.parse(entry), undefined],
    );
  });

  it("leaves other containers, and other namespaces, alone", () => {
    for (const log of ["pod-1_diffusion-fleet_runtime", "pod-1_another_queue-agent"])
      for (const event of of(log)) {
        assert.ok(!isMetric(event), log);
        assert.equal(typeof event.log_processed, "object", log);
      }
  });

  /** What the container runtime writes, in the format of CRI, under a name of the kubelet's. */
  function writeLog(container: string, lines: readonly string[]) {
    const containers = join(folder, "var/log/containers");
    mkdirSync(containers, { recursive: true });
    writeFileSync(
      join(containers, `${container}-${"0".repeat(64)}.log`),
      lines.map((line) => `2026-08-01T12:00:00.000000000Z stdout F ${line}\n`).join(""),
    );
  }

  function of(container: string) {
    return events.filter(({ path }) => String(path).includes(`/${container}-`));
  }
});

function isMetric(event: Readonly<Record<string, unknown>>): boolean {
  return "_aws" in event;
}

/** The add-on's way of a line, with a folder of its own. The tag of a log there is as on a node. */
function applicationLog(port: number): string {
  return `[INPUT]
  Name              tail
  Tag               application.var.log.containers.<log>
  Tag_Regex         containers/(?<log>.*)$
  Path              var/log/containers/*.log
  Path_Key          path
  multiline.parser  docker, cri
  Read_from_Head    On

[FILTER]
  Name                 kubernetes
  Match                application.*
  Kube_URL             http://127.0.0.1:${port}
  Kube_Tag_Prefix      application.var.log.containers.
  Merge_Log            On
  Merge_Log_Key        log_processed
  K8S-Logging.Parser   On
  K8S-Logging.Exclude  Off
  Labels               Off
  Annotations          Off

[OUTPUT]
  Name    stdout
  Match   application.*
  Format  json_lines
`;
}
