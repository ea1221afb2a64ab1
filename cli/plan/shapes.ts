import { escaped } from "./markup";

/** What the picture of a system is drawn with; lengths in the picture's own units. */

/** A flow from left to right, as wide as it is large. */
export function edge(x1: number, y1: number, x2: number, y2: number, width: number): string {
  const bend = (x2 - x1) / 2;
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return `<path class="traffic" stroke-width="${width.toFixed(1)}" d="${path}"/>`;
}

/** What is read from a store. */
export function mount(x1: number, y1: number, x2: number, y2: number): string {
  return `<path class="mount" d="M${x1} ${y1}C${x1 + 46} ${y1} ${x2 - 46} ${y2} ${x2} ${y2}"/>`;
}

export function card(x: number, y: number, width: number, height: number): string {
  return `<rect class="card" x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>`;
}

/** A card around a middle, with a title and two lines under it. */
export function stationCard(
  { x, width }: { readonly x: number; readonly width: number },
  y: number,
  [title, ...lines]: readonly [string, string, string],
): string {
  const centre = x + width / 2;
  return [
    card(x, y - 46, width, 92),
    label(centre, y - 18, title, "title", "middle"),
    ...lines.map((line, index) => label(centre, y + 4 + 20 * index, line, "soft", "middle")),
  ].join("");
}

/** A store of objects around a middle. */
export function store(
  { x, width }: { readonly x: number; readonly width: number },
  y: number,
  [title, ...lines]: readonly [string, string, string],
): string {
  const [top, bottom] = [y - 44, y + 36];
  const centre = x + width / 2;
  return [
    `<path class="card" d="M${x} ${top}v${bottom - top}a${width / 2} 14 0 0 0 ${width} 0v${top - bottom}"/>`,
    `<ellipse class="card" cx="${centre}" cy="${top}" rx="${width / 2}" ry="14"/>`,
    label(centre, y - 6, title, "title", "middle"),
    ...lines.map((line, index) => label(centre, y + 14 + 18 * index, line, "soft", "middle")),
  ].join("");
}

export function label(x: number, y: number, text: string, style = "", anchor = "start"): string {
  const attributes = [
    style && ` class="${style}"`,
    anchor !== "start" && ` text-anchor="${anchor}"`,
  ];
  return `<text x="${x}" y="${y}"${attributes.filter(Boolean).join("")}>${escaped(text)}</text>`;
}
