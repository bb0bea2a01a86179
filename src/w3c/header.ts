/** The longest `tracestate`: 32 members of the longest key and the longest value, with a comma after each. */
export const MAX_TRACESTATE = 16_448;
export const MAX_MEMBERS = 32;

/** The longest `baggage`, with a comma after it. */
export const MAX_BAGGAGE = 8_193;

/** Header lines as one text, with a comma after each. Of a text that is longer than `max` only the beginning is right: nothing unbounded is read. */
export function joinLines(
  header: string | readonly string[],
  max: number,
): string {
  let text = "";
  for (const line of typeof header === "string" ? [header] : header) {
    text += `${line.slice(0, max)},`;
    if (text.length > max) break;
  }
  return text;
}
