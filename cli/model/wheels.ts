import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../contracts/userError";

/** Minor versions of glibc 2 that wheels are built for; the container's Ubuntu 22.04 has 2.35. */
const glibcMinors = [35, 34, 31, 28, 27, 26, 24, 17];

const platforms = [
  ...glibcMinors.map((minor) => `manylinux_2_${minor}_x86_64`),
  "manylinux2014_x86_64",
];

/**
 * Downloads the wheels that a file of requirements with hashes names, for another machine: x86-64
 * Linux and its own version of Python. pip compares each with its hash.
 *
 * @param python of the other machine, `3.11`
 * @param app the server's folder: its `.venv` has a pip, where it is there
 * @throws UserError when pip fails, with what it says
 */
export async function downloadWheels(
  requirements: string,
  python: string,
  folder: string,
  app: string,
): Promise<void> {
  const own = join(app, ".venv/bin/python");
  const { status, said } = await run(existsSync(own) ? own : "python3", [
    ...["-m", "pip", "download", "--quiet", "--disable-pip-version-check"],
    ...["--no-deps", "--require-hashes", "--only-binary", ":all:"],
    ...["--implementation", "cp", "--python-version", python],
    ...[`cp${python.replace(".", "")}`, "abi3", "none"].flatMap((abi) => ["--abi", abi]),
    ...platforms.flatMap((platform) => ["--platform", platform]),
    ...["--dest", folder, "--requirement", requirements],
  ]);
  if (status !== 0)
    throw new UserError(
      `pip cannot download the packages of ${requirements} for Python ${python}:\n${said.trim()}`,
    );
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly said: string }> {
  return new Promise((ended) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", ({ message }) => ended({ status: null, said: message }));
    child.on("close", (status) => ended({ status, said }));
  });
}
