const SPACE = 32;
const TAB = 9;

/** Header lines as one value, or `undefined` when they are longer than `max` together: nothing unbounded is parsed. */
export function joinLines(
  header: string | readonly string[],
  max: number,
): string | undefined {
  if (typeof header === "string") {
    return header.length > max ? undefined : header;
  }
  let length = header.length - 1;
  for (const line of header) length += line.length;
  return length > max ? undefined : header.join(",");
}

/** The text without the spaces and tabs around it: HTTP's optional whitespace. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isOws(code: number): boolean {
  return code === SPACE || code === TAB;
}
