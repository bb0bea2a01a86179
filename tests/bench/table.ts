/** Tables for a terminal of 100 columns. */

/** One cell. */
export type Cell = string | number | undefined;

const WIDTH = 100;

/** The rows under their heads, the first column to the left; what is missing is a dash. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const lines = rows.map((row) => heads.map((_, i) => text(row[i])));
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...lines.map((line) => line[i]!.length))
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd();
  return [
    line(heads),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...lines.map(line),
  ].map((one) => one.slice(0, WIDTH)).join("\n");
}

/** A paragraph, its lines as full as they may be. */
export function paragraph(words: string): string {
  const lines = [""];
  for (const word of words.split(/\s+/)) {
    const line = `${lines.at(-1)} ${word}`.trim();
    if (line.length <= WIDTH) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines.join("\n");
}

/** A number as people read it: three digits that count, thousands apart. */
export function readable(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", {
    maximumFractionDigits: Number.isInteger(value) ? 0 : digits,
  });
}

function text(cell: Cell): string {
  if (cell === undefined) return "–";
  return typeof cell === "number" ? readable(cell) : cell;
}
