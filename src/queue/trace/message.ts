const MAX_MESSAGE = 4_096;

/** What an error says of itself; of what is no error, only a text is told. */
export function messageOf(error: unknown): string {
  if (error === undefined) return "";
  if (typeof error === "string") return clip(error, MAX_MESSAGE);
  if (!(error instanceof Error)) return "A value that is no Error was thrown";
  return clip(read(() => error.message) ?? "", MAX_MESSAGE);
}

/** An error's own getters may throw or give anything. */
export function read(get: () => unknown): string | undefined {
  try {
    const value = get();
    return value === undefined ? undefined : String(value);
  } catch {
    return undefined;
  }
}

/** The text, cut to a length, and well-formed. */
export function clip(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
