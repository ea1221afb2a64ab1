import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../..");

/** A command in a page and the lines that the page shows of its output; `…` stands for any lines. */
interface Example {
  readonly page: string;
  readonly command: string;
  readonly shown: readonly string[];
}

/** What runs without an account, without the network, and writes no file. */
const runnable = /^npm run -s (plan|versions)\b(?!.*(--html|--svg|>|\|))/;

function examplesIn(page: string): Example[] {
  const blocks = readFileSync(join(root, page), "utf8").matchAll(/^( *)```console\n(.*?)^ *```/gms);
  return [...blocks].flatMap(([, indent = "", block = ""]) =>
    block
      .split(/^ *\$ /m)
      .slice(1)
      .map((text) => {
        const [command = "", ...lines] = text.split("\n");
        const shown = lines.map((line) => line.slice(indent.length).trimEnd());
        return { page, command: command.replace(/ +#.*$/, "").trim(), shown: shown.slice(0, -1) };
      })
      .filter(({ command, shown }) => runnable.test(command) && shown.some((line) => line !== "")),
  );
}

/** The first line that a page shows and the output does not, in the page's order. */
function missing(shown: readonly string[], output: readonly string[]): string | undefined {
  let from = 0;
  for (const line of shown) {
    if (line === "…") continue;
    const found = output.findIndex((it, index) => index >= from && isShown(line, it));
    if (found < 0) return line;
    from = found + 1;
  }
  return undefined;
}

function isShown(line: string, real: string): boolean {
  const [start = "", ...rest] = line.split(/\s*…\s*/);
  return rest.length === 0 ? real.trimEnd() === line : real.startsWith(start);
}

const pages = [
  "README.md",
  ...["docs", "docs/how-to", "docs/operations"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];
const examples = pages.flatMap(examplesIn);

describe("The commands in the docs", () => {
  it("are found", () => assert.ok(examples.length >= 10, `only ${examples.length}`));

  for (const { page, command, shown } of examples)
    it(`${page}: ${command} prints what the page shows`, () => {
      const { stdout, stderr } = spawnSync("bash", ["-c", command], {
        cwd: root,
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
      });
      const line = missing(shown, `${stdout}\n${stderr}`.split("\n"));
      assert.equal(line, undefined, `it does not print:\n${line}\nbut:\n${stdout}${stderr}`);
    });
});
