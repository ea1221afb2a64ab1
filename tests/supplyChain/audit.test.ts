import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import ts from "typescript";

const root = resolve(__dirname, "../..");
const LONGEST_EXCEPTION_DAYS = 190;

interface Exception {
  readonly active: boolean;
  readonly notes: string;
  readonly expiry: string;
}

interface AuditConfig {
  readonly moderate: boolean;
  readonly allowlist: readonly (string | Readonly<Record<string, Exception>>)[];
}

/** JSON with comments, as audit-ci reads it. */
function readConfig(): AuditConfig {
  const file = join(root, "audit-ci.jsonc");
  const { config, error } = ts.parseConfigFileTextToJson(file, readFileSync(file, "utf8"));
  assert.equal(error, undefined);
  return config as AuditConfig;
}

describe("An exception from the audit", () => {
  const allowlist = readConfig().allowlist;

  it("names an advisory and the path to the package, a reason and an end", () => {
    for (const entry of allowlist) {
      assert.ok(typeof entry !== "string", `${entry} has no reason`);
      for (const [advisory, { notes, expiry }] of Object.entries(entry)) {
        assert.match(advisory, /^GHSA(-[0-9a-z]{4}){3}\|.+/);
        assert.ok(notes.length > 30, `${advisory} has no reason`);
        const days = (new Date(expiry).getTime() - Date.now()) / 86_400_000;
        assert.ok(days <= LONGEST_EXCEPTION_DAYS, `${advisory} is excepted until ${expiry}`);
      }
    }
  });
});

const ADVISORY = "GHSA-aaaa-bbbb-cccc";

/** A registry that has one advisory about zod, and no packages. */
function registry(severity: string): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      if (!request.url?.endsWith("/advisories/bulk")) {
        response.statusCode = 404;
        response.end("{}");
        return;
      }
      const body = Buffer.concat(chunks);
      const asked = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      const advisory = {
        id: 1,
        url: `https://github.com/advisories/${ADVISORY}`,
        title: "made up",
        severity,
        vulnerable_versions: "*",
        cwe: [],
        cvss: { score: 0, vectorString: null },
      };
      const isAsked = Object.hasOwn(JSON.parse(asked.toString()), "zod");
      response.end(JSON.stringify(isAsked ? { zod: [advisory] } : {}));
    });
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

describe("The audit of npm packages", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-audit-"));
  after(() => rmSync(folder, { recursive: true }));

  /** Runs it as `npm run audit` does, on this package's lock file and another registry. */
  async function audit(severity: string, allowlist: AuditConfig["allowlist"]) {
    for (const file of ["package.json", "package-lock.json"])
      cpSync(join(root, file), join(folder, file));
    const config = join(folder, "audit-ci.json");
    writeFileSync(config, JSON.stringify({ ...readConfig(), allowlist, "retry-count": 0 }));
    const server = await registry(severity);
    try {
      const { port } = server.address() as AddressInfo;
      return await run(config, `http://127.0.0.1:${port}/`);
    } finally {
      server.close();
    }
  }

  function run(config: string, address: string): Promise<{ status: number; output: string }> {
    const child = spawn(
      process.execPath,
      [join(root, "node_modules/audit-ci/dist/bin.js"), "--config", config],
      {
        cwd: folder,
        env: {
          ...process.env,
          npm_config_registry: address,
          npm_config_fetch_retries: "0",
          // npm keeps a registry's answer.
          npm_config_cache: mkdtempSync(join(folder, "cache-")),
        },
      },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    return new Promise((done, fail) => {
      child.on("error", fail);
      child.on("close", (status) => done({ status: status ?? -1, output }));
    });
  }

  it("fails on an advisory, and names it", async () => {
    const { status, output } = await audit("moderate", []);
    assert.equal(status, 1, output);
    assert.match(output, new RegExp(`${ADVISORY}\\|zod`));
  });

  it("lets a minor one pass", async () => {
    const { status, output } = await audit("low", []);
    assert.equal(status, 0, output);
  });

  it("lets an excepted one pass until the exception ends", async () => {
    const exception = (expiry: string) => [
      { [`${ADVISORY}|zod`]: { active: true, notes: "made up", expiry } },
    ];
    const excepted = await audit("critical", exception("2999-01-01"));
    assert.equal(excepted.status, 0, excepted.output);
    const ended = await audit("critical", exception("2020-01-01"));
    assert.equal(ended.status, 1, ended.output);
  });
});
