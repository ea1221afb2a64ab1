import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { GoUnavailable } from "./controlPlane/go";
import { buildProgram, type GoProgram, goMod } from "./controlPlane/goBuild";

const program: GoProgram = {
  module: "example.com/tools",
  version: "v1.2.3",
  package: "example.com/tools/cmd/tool",
};

describe("A Go program that a test wants", () => {
  let folder: string;
  const said: string[] = [];
  const { PATH, XDG_CACHE_HOME } = process.env;

  /** A `go` that downloads a module without needs, and builds as the script says. */
  function goThat(builds: string): void {
    const modFile = join(folder, "published.mod");
    writeFileSync(modFile, "module example.com/tools\n\ngo 1.24.0\n");
    const script = `#!/bin/sh
case "$1" in
  env) echo go1.99.9 ;;
  mod) echo '{"Dir": "${folder}", "GoMod": "${modFile}"}' ;;
  build) ${builds} ;;
esac
`;
    writeFileSync(join(folder, "go"), script);
    chmodSync(join(folder, "go"), 0o755);
  }

  const build = () => buildProgram("tool", program, (text) => said.push(text));
  const kept = () => readdirSync(join(folder, "diffusion-fleet/programs"));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-go-"));
    said.length = 0;
    process.env.PATH = `${folder}${delimiter}${PATH}`;
    process.env.XDG_CACHE_HOME = folder;
  });

  afterEach(() => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    rmSync(folder, { recursive: true });
  });

  it("is built once, and says so while it is", async () => {
    goThat(`echo x >> "${"$0"}.builds"; echo binary > program`);
    const path = await build();
    assert.equal(readFileSync(path, "utf8"), "binary\n");
    assert.match(path, /tool-v1\.2\.3-go[\d.]+$/);
    assert.match(said[0]!, /^building tool v1\.2\.3 with go[\d.]+, once/);
    assert.equal(await build(), path);
    assert.equal(readFileSync(join(folder, "go.builds"), "utf8"), "x\n");
  });

  it("is whole when two ask for it at once, and nothing else is left", async () => {
    goThat("sleep 0.2; echo binary > program");
    const [one, two] = await Promise.all([build(), build()]);
    assert.equal(one, two);
    assert.equal(readFileSync(one, "utf8"), "binary\n");
    assert.equal(kept().length, 1);
  });

  it("cannot be had where the registry is out of reach, which is no failure", async () => {
    goThat('echo "dial tcp: lookup proxy.example.com: no such host" >&2; exit 1');
    await assert.rejects(build(), (error) => {
      assert.ok(error instanceof GoUnavailable);
      assert.match(
        error.message,
        /registry cannot be reached: dial tcp: lookup proxy\.example\.com: no such host$/,
      );
      return true;
    });
    assert.deepEqual(kept(), []);
  });

  it("cannot be had from a Go that is too old for it, which is no failure", async () => {
    goThat(
      'echo "go: go.mod requires go >= 1.26.0 (running go 1.24.1; GOTOOLCHAIN=local)" >&2; exit 1',
    );
    await assert.rejects(build(), (error) => {
      assert.ok(error instanceof GoUnavailable);
      assert.match(error.message, /too old: requires go >= 1\.26\.0 \(running go 1\.24\.1\)/);
      return true;
    });
  });

  it("fails with what the compiler says when it does not build", async () => {
    goThat('echo "main.go:3: undefined: nothing" >&2; exit 1');
    await assert.rejects(build(), (error) => {
      assert.ok(!(error instanceof GoUnavailable));
      assert.match((error as Error).message, /main\.go:3: undefined/);
      return true;
    });
  });

  it("gets the modules of its own repository in their published version, and only those", () => {
    const published = `module k8s.io/kubernetes

go 1.26.0

require (
	k8s.io/api v0.0.0
	k8s.io/kubelet v0.0.0 // indirect
	k8s.io/utils v0.0.0-20260210185600-b8788abfbbc2
)

replace k8s.io/api => ./staging/src/k8s.io/api
`;
    assert.equal(
      goMod({ ...program, stagingVersion: "v0.36.3" }, published),
      `module built
go 1.26.0
require example.com/tools v1.2.3
replace k8s.io/api => k8s.io/api v0.36.3
replace k8s.io/kubelet => k8s.io/kubelet v0.36.3
`,
    );
    assert.throws(() => goMod(program, published), /stagingVersion/);
  });
});
