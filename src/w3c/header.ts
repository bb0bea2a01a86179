const OWS = " \t";

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

/** The text without the spaces and tabs around it: HTTP's optional whitespace. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && OWS.includes(text.charAt(start))) start++;
  while (end > start && OWS.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
