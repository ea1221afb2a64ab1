import type { Runtime } from "../../contracts/tasks/runtimes";
import { ExitCode } from "../exitCode";
import { type Paint, paintFor, table } from "../terminal";
import { type ApiOptions, openApi } from "./api";
import { indented } from "./taskText";

/** Prints the runtimes and what each can do. */
export async function runRuntimes(root: string, options: ApiOptions): Promise<number> {
  const runtimes = await (await openApi(root, options)).runtimes();
  const text = options.json
    ? JSON.stringify({ runtimes }, null, 2)
    : runtimeLines(runtimes, paintFor(process.stdout)).join("\n");
  process.stdout.write(`${text}\n`);
  return ExitCode.ok;
}

function runtimeLines(runtimes: readonly Runtime[], paint: Paint): string[] {
  if (runtimes.length === 0) return ["The stack has no runtimes: async.runtimes is empty."];
  const [title, ...lines] = table(
    [
      { title: "runtime" },
      { title: "speaks" },
      { title: "model" },
      { title: "runs on" },
      { title: "longest", align: "right" },
    ],
    runtimes.map(({ name, adapter, model, accelerator, longestTaskSeconds }) => [
      name,
      adapter,
      model ?? "–",
      accelerator,
      `${longestTaskSeconds} s`,
    ]),
    paint,
  );
  return [
    title!,
    ...lines.flatMap((line, index) => [
      line,
      ...indented(runtimes[index]!.types.join(", ")).map((types) => paint("dim", types)),
    ]),
  ];
}
