/** Header lines as one value, cut one character beyond `max`: nothing unbounded is read. */
export function joinLines(
  header: string | readonly string[],
  max: number,
): string {
  let text = "", comma = "";
  for (const line of typeof header === "string" ? [header] : header) {
    text += comma + line.slice(0, max + 1);
    if (text.length > max) return text.slice(0, max + 1);
    comma = ",";
  }
  return text;
}
