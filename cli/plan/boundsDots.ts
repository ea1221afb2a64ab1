import { label } from "./shapes";

/** Dots that fit on a card; more are told as numbers. */
const room = 8;

/**
 * The least and the most of something that is scaled. Filled: the minimum; hollow: up to the
 * maximum, as far as there is room.
 *
 * @param at where the last dot is, and the class of their colour
 * @param noun what is counted, where there is no room for dots
 */
export function boundsDots(
  { min, max }: { readonly min: number; readonly max: number },
  { x, y, colour }: { readonly x: number; readonly y: number; readonly colour: string },
  noun: string,
): readonly string[] {
  if (max > room) return [label(x + 4, y + 4, `${min}–${max} ${noun}`, "soft", "end")];
  return Array.from({ length: max }, (_, index) => {
    const hollow = index >= min ? "hollow " : "";
    return `<circle class="${hollow}${colour}" cx="${x - (max - 1 - index) * 14}" cy="${y}" r="4.5"/>`;
  });
}
