/** Colours and widths of a terminal; plain text where there is none or `NO_COLOR` is set. */
export const isTerminal: boolean = Deno.stdout.isTerminal();

const isColored = isTerminal && !Deno.noColor;

/** A colour, or a weight. */
export type Ink =
  | "bold"
  | "dim"
  | "red"
  | "green"
  | "yellow"
  | "blue"
  | "magenta"
  | "cyan";

const CODES: Readonly<Record<Ink, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

/** The text in that ink. */
export function paint(ink: Ink, text: string): string {
  if (!isColored || text === "") return text;
  const [on, off] = CODES[ink];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/** How many columns there are; what is not seen has 100. */
export function columns(): number {
  if (!isTerminal) return 100;
  return Math.min(120, Math.max(80, Deno.consoleSize().columns));
}

/** Exactly so wide: filled up, or cut. */
export function fit(text: string, width: number): string {
  return text.length > width
    ? `${text.slice(0, width - 1)}…`
    : text.padEnd(width);
}

/** `7 ms`, `0.4 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
