import type { Framework } from "../../fleet/accelerators";
import { type Paint, WIDTH, wrap } from "../terminal";
import type { Licence } from "./modelSource";
import { bytesText } from "./transfer";

/** What has become of an import, or would; what `--json` prints. */
export interface Imported {
  readonly model: string;
  readonly framework: Framework;
  /** Names the import in the config and in the bucket. */
  readonly hash: string;
  readonly files: number;
  readonly bytes: number;
  /** `s3://BUCKET/PREFIX/MODEL/FRAMEWORK/HASH/`; null: a dry run that knows no bucket. */
  readonly destination: string | null;
  /** A folder's name, or `OWNER/NAME@COMMIT`. */
  readonly source: string;
  readonly licence: Licence;
  /** Of a packed one: the container's image. */
  readonly container?: string;
  /** Of the weights; null: the plain ones, or graphs. */
  readonly variant: string | null;
  /** Parts of the pipeline that no image needs. */
  readonly leftOut: readonly string[];
  /** What had to be sent; in a dry run, what would have to be. Null: nobody knows. */
  readonly sent: { readonly files: number; readonly bytes: number } | null;
  /** It was all there before, its manifest too. */
  readonly wasThere: boolean;
  readonly dryRun: boolean;
  readonly setting: {
    readonly key: string;
    readonly command: string;
    /** The stack's file that has it now; null: not applied. */
    readonly file: string | null;
  };
}

const LABEL_WIDTH = 12;

/** The same for a person. */
export function importText(imported: Imported, paint: Paint): string[] {
  const { model, framework, hash, files, bytes, destination, source, licence, variant } = imported;
  const facts: readonly (readonly [label: string, text: string | undefined])[] = [
    ["model", model],
    ["framework", framework],
    ["hash", hash],
    ["from", source],
    ["licence", `${licence.id} (${licence.link})`],
    ["container", imported.container],
    ["files", `${files}, ${bytesText(bytes)}${variant === null ? "" : `, ${variant}`}`],
    ["left out", imported.leftOut.join(", ") || undefined],
    ["destination", destination ?? "no bucket given"],
    ["sent", sentText(imported)],
  ];
  const margin = " ".repeat(LABEL_WIDTH);
  return [
    ...facts.flatMap(([label, text]) => {
      if (text === undefined) return [];
      const [first, ...rest] = wrap(text, WIDTH - LABEL_WIDTH);
      return [
        `${paint("dim", label.padEnd(LABEL_WIDTH))}${first}`,
        ...rest.map((line) => margin + line),
      ];
    }),
    "",
    ...settingText(imported, paint),
  ];
}

function sentText({ sent, wasThere, dryRun }: Imported): string | undefined {
  if (wasThere) return "nothing: this import is there already";
  if (sent === null) return undefined;
  const what = `${sent.files} files, ${bytesText(sent.bytes)}`;
  return dryRun ? `nothing, it is a dry run; missing there: ${what}` : what;
}

function settingText({ setting, dryRun }: Imported, paint: Paint): string[] {
  if (setting.file !== null) return [`${setting.file} has ${setting.key}.`];
  return [
    dryRun ? "When it is imported, pods load it by:" : "Pods load it when the config says so:",
    `  ${paint("bold", setting.command)}`,
  ];
}
