/** A table for the terminal: columns wrapped to its width. */

/** Rows of cells, the first row being the head, wrapped to `width` columns in all. */
export function table(
  rows: readonly (readonly string[])[],
  shares: readonly number[],
  width: number,
): string {
  const room = width - 3 * (shares.length - 1);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const widths = shares.map((share) =>
    Math.max(8, Math.floor(room * share / total))
  );
  const rule = widths.map((w) => "-".repeat(w)).join("-+-");
  const drawn = rows.map((row) => {
    const cells = row.map((cell, i) => wrapped(cell, widths[i] ?? 8));
    const height = Math.max(...cells.map((lines) => lines.length));
    return Array.from(
      { length: height },
      (_, line) =>
        cells.map((lines, i) => (lines[line] ?? "").padEnd(widths[i] ?? 8))
          .join(" | ").trimEnd(),
    ).join("\n");
  });
  return drawn.join(`\n${rule}\n`);
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
