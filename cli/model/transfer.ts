import { bar, type Progress } from "../tasks/progress";

/** Shows how many bytes of something have gone by. */
export interface Transfer {
  /**
   * @param doing e.g. `sending 12 files`
   * @returns what is told of bytes that have gone by; ends what was shown before
   */
  begin(doing: string, totalBytes: number): (bytes: number) => void;
  end(): void;
}

const BAR_WIDTH = 30;
/** A terminal is painted no oftener. */
const PAINT_MS = 100;

export function transferOn(progress: Progress, now: () => number = Date.now): Transfer {
  return {
    begin: (doing, totalBytes) => {
      progress.end();
      const beganAt = now();
      let done = 0;
      let paintedAt = Number.NEGATIVE_INFINITY;
      return (bytes) => {
        done += bytes;
        if (done < totalBytes && now() - paintedAt < PAINT_MS) return;
        paintedAt = now();
        const seconds = Math.max(0.001, (paintedAt - beganAt) / 1000);
        const text = `${doing}: ${bytesText(done)} of ${bytesText(totalBytes)}, ${bytesText(Math.round(done / seconds))}/s`;
        progress.show([`${bar(done / Math.max(1, totalBytes), BAR_WIDTH)} ${text}`], text);
      };
    },
    end: () => progress.end(),
  };
}

/** `6.5 GiB` */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, at] = [bytes, 0];
  while (value >= 1024 && at < units.length - 1) [value, at] = [value / 1024, at + 1];
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}
