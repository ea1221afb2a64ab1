import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProfileOptions, settingsOf } from "../../../cli/profile/settings";
import { UserError } from "../../../contracts/userError";
import { defaults } from "./defaults";

const of = (options: Partial<ProfileOptions>) => settingsOf({ ...defaults, ...options });

describe("the settings of a profile", () => {
  it("are the seed's objective and utilisation, where nothing else is said", () => {
    const { objectiveSeconds, maxUtilisation, maxRequests, startRate } = of({});
    assert.deepEqual([objectiveSeconds, maxUtilisation], [0.9, 0.8]);
    assert.ok(maxRequests <= 5000, "a bound there is");
    assert.equal(startRate, 0.5);
  });

  it("take durations in seconds and milliseconds", () => {
    assert.equal(of({ objective: "1.2s" }).objectiveSeconds, 1.2);
    assert.equal(of({ objective: "450ms" }).objectiveSeconds, 0.45);
  });

  for (const [url, expected, host] of [
    ["http://localhost:8000", "http://localhost:8000", "localhost:8000"],
    ["http://localhost:8000/v1/", "http://localhost:8000", "localhost:8000"],
    ["https://images.example.com/sd21/", "https://images.example.com/sd21", "images.example.com"],
    ["http://[::1]:8000/v1/images/generations", "http://[::1]:8000", "[::1]:8000"],
  ] as const)
    it(`find the server at ${url}`, () => {
      assert.equal(of({ url }).url, expected);
      assert.equal(of({ url }).host, host);
    });

  const wrong: readonly (readonly [Partial<ProfileOptions>, RegExp])[] = [
    [{ url: "localhost:8000" }, /^--url localhost:8000: allowed: the address of a server/],
    [{ url: "ftp://x" }, /^--url ftp:\/\/x: allowed/],
    [{ objective: "900" }, /^--objective 900: allowed: a duration .* 900ms or 1\.2s/],
    [{ objective: "0ms" }, /^--objective 0ms: allowed/],
    [{ maxUtilisation: "0.8" }, /^--max-utilisation 0\.8: allowed: a percentage/],
    [{ maxUtilisation: "120%" }, /^--max-utilisation 120%: allowed/],
    [{ startRate: "0" }, /^--start-rate 0: allowed: a number above 0/],
    [{ startRate: "fast" }, /^--start-rate fast: allowed/],
    [{ growth: "1" }, /^--growth 1: allowed: a number above 1/],
    [{ stepSeconds: "-1" }, /^--step-seconds -1: allowed/],
    [{ maxRate: "0.1" }, /^--max-rate 0\.1: allowed: --start-rate, 0\.5, or more/],
    [{ maxRequests: "1.5" }, /^--max-requests 1\.5: allowed: a whole number from 1/],
    [{ steps: "many" }, /^--steps many: allowed/],
    [{ size: "512" }, /^--size 512: allowed: WIDTHxHEIGHT/],
    [{ prompt: "" }, /^--prompt: it has 0 characters; allowed: 1 to 4000/],
    [{ apply: true }, /^--apply: say with --unit NAME/],
    [{ apiKeyFile: "/nowhere/key" }, /^--api-key-file \/nowhere\/key: it cannot be read: ENOENT/],
  ];
  for (const [options, message] of wrong)
    it(`refuse ${JSON.stringify(options)} and say what is allowed`, () => {
      assert.throws(
        () => of(options),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });

  it("never repeat what may be secret in an address", () => {
    for (const url of ["http://me:hunter2@host/", "http://host/?key=hunter2"])
      assert.throws(
        () => of({ url }),
        ({ message }: Error) => message.startsWith("--url ") && !message.includes("hunter2"),
      );
  });

  it("have the key of a file, without the line's end, and refuse a file of something else", () => {
    const folder = mkdtempSync(join(tmpdir(), "profile-key-"));
    const apiKeyFile = join(folder, "key");
    try {
      writeFileSync(apiKeyFile, "abc-123\n");
      assert.equal(of({ apiKeyFile }).apiKey, "abc-123");
      for (const text of ["", "two words\n", "a\nb\n"]) {
        writeFileSync(apiKeyFile, text);
        assert.throws(() => of({ apiKeyFile }), /--api-key-file .*one key in it/);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
