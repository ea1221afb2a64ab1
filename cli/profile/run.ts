import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { readStackConfig } from "../plan/stackConfig";
import { userPath } from "../tasks/download";
import { progressOn } from "../tasks/progress";
import { paintFor, wrap } from "../terminal";
import { type AppliedMeasurement, withMeasurement } from "./applyMeasurement";
import { chart } from "./chart";
import { type ConfiguredUnit, configuredUnit } from "./configuredUnit";
import { firstImage } from "./firstImage";
import { ImageClient } from "./imageRequest";
import { RequestBudget } from "./requestBudget";
import { type ProfileResult, resultOf } from "./result";
import { COLUMNS, rate, resultLines, seconds, stepLine } from "./resultText";
import { search } from "./search";
import { type ProfileOptions, type ProfileSettings, settingsOf } from "./settings";

/** As a shell says that SIGINT ended something. */
const INTERRUPTED = 130;

/** A request is given up after ten objectives, which is late for any client, or this. */
const LEAST_TIMEOUT_SECONDS = 30;

/** From this share of the objective on, this machine is what is measured. */
const LATE_SEND_RATIO = 0.1;

/**
 * Finds a server's breaking point and writes it where it was asked for. Everything that can be
 * wrong is found before the first request.
 *
 * @returns the exit status: 0; 1 when there is no breaking point; 130 when it was interrupted
 * @throws UserError for a wrong option, a unit that is not configured, or a server that gives no image
 */
export async function runProfile(root: string, options: ProfileOptions): Promise<number> {
  const settings = settingsOf(options);
  const unit =
    options.unit === undefined ? undefined : configuredUnit(root, options.stack, options.unit);
  const [out, svg] = (["out", "svg"] as const).map((name) => fileFor(name, options[name]));
  if (options.apply) applied(root, unit!, { throughput: 1, latencySeconds: 1 });

  const { result, end, isInterrupted } = await profiled(settings, unit);

  if (out !== undefined) writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
  if (svg !== undefined) writeFileSync(svg, chart(result));
  process.stdout.write(
    options.json
      ? `${JSON.stringify(result, null, 2)}\n`
      : `${resultLines(result, end, paintFor(process.stdout)).join("\n")}\n`,
  );
  for (const file of [out, svg]) if (file !== undefined) say(`Written: ${file}`);
  if (options.apply) apply(root, unit!, result);
  if (isInterrupted) return INTERRUPTED;
  return result.breakingPoint === undefined ? ExitCode.incomplete : ExitCode.ok;
}

async function profiled(settings: ProfileSettings, unit: ConfiguredUnit | undefined) {
  const { host, maxRequests, objectiveSeconds } = settings;
  const client = new ImageClient({
    ...settings,
    timeoutSeconds: Math.max(LEAST_TIMEOUT_SECONDS, 10 * objectiveSeconds),
  });
  const budget = new RequestBudget(maxRequests);
  const interrupted = new AbortController();
  const stopListening = onInterrupt(() => interrupted.abort());
  const progress = progressOn(process.stderr);
  const date = new Date();
  try {
    const firstImageSeconds = await firstImage(client, budget, interrupted.signal);
    progress.say(`The first image took ${seconds(firstImageSeconds)}.`);
    const { steps, end } = await search(client, settings, budget, interrupted.signal, {
      under: (offered, phase, { sent, answered, planned }) =>
        progress.show([
          `${phase} ${rate(offered)}/s: ${sent} of ${planned} sent, ${answered} answered`,
        ]),
      stepped: (step) => {
        progress.show([]);
        for (const line of wrap(stepLine(step, settings), COLUMNS, "  ")) progress.say(line);
        if (step.latestSendSeconds > LATE_SEND_RATIO * objectiveSeconds)
          progress.say(
            `  This machine sent up to ${seconds(step.latestSendSeconds)} late: it is too slow, or busy.`,
          );
      },
    });
    progress.end();
    const result = resultOf(
      { host, date, firstImageSeconds, requestsSent: budget.sent, maxRequests, steps, end },
      settings,
      unit,
    );
    return { result, end, isInterrupted: interrupted.signal.aborted };
  } finally {
    stopListening();
    await client.close();
  }
}

/** The first time ends the load, the second one the process, as without us. */
function onInterrupt(interrupt: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const once = () => {
    stop();
    interrupt();
  };
  const stop = () => {
    for (const signal of signals) process.off(signal, once);
  };
  for (const signal of signals) process.on(signal, once);
  return stop;
}

/** @throws UserError where nothing can be written */
function fileFor(option: string, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const file = userPath(given);
  if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`--${option} ${given}: there is no folder ${dirname(file)}.`);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`--${option} ${given}: it is a folder; allowed: a file.`);
  return file;
}

/** Writes what was measured into the stack's file, and says what was there before. */
function apply(root: string, unit: ConfiguredUnit, { breakingPoint }: ProfileResult): void {
  if (breakingPoint === undefined || breakingPoint.limitedBy === "interrupted") {
    say("--apply: nothing was written, because nothing was found.");
    return;
  }
  const measurement = {
    throughput: Number(breakingPoint.imagesPerMinute.toPrecision(4)),
    latencySeconds: Number(breakingPoint.latencySeconds.toPrecision(3)),
  };
  const { file, text, before } = applied(root, unit, measurement);
  writeFileSync(file, text);
  say(
    `Pulumi.${unit.stack}.yaml, units.${unit.name}.measurement: ` +
      `${before === undefined ? "none" : JSON.stringify(before)} → ${JSON.stringify(measurement)}`,
  );
}

function applied(root: string, unit: ConfiguredUnit, measurement: AppliedMeasurement) {
  const file = join(root, `Pulumi.${unit.stack}.yaml`);
  const unitsKey = `${readStackConfig(root, unit.stack).project}:units`;
  return {
    file,
    ...withMeasurement(readFileSync(file, "utf8"), unitsKey, unit.name, measurement),
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
