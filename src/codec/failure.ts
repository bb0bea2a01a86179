import type { StoredError } from "../core/state.ts";

/** How much of an error is kept. */
export interface FailureLimits {
  readonly messageBytes: number;
  readonly stackBytes: number;
  readonly causes: number;
}

const ENDED: FailureLimits = {
  messageBytes: 4_096,
  stackBytes: 8_192,
  causes: 8,
};
const BETWEEN_ATTEMPTS: FailureLimits = {
  messageBytes: 512,
  stackBytes: 0,
  causes: 0,
};

/** What is kept of the error a task ended with: name, message, stack and causes within caps. */
export function writeFailure(error: unknown): string {
  return JSON.stringify(store(error, ENDED));
}

/** What is kept of an attempt's error until the next one: name and message. */
export function writeAttemptFailure(error: unknown): string {
  return JSON.stringify(store(error, BETWEEN_ATTEMPTS));
}

/** The kept error; whatever cannot be read is named so. */
export function readFailure(text: string): StoredError {
  try {
    const value = JSON.parse(text) as StoredError;
    if (typeof value.name === "string" && typeof value.message === "string") {
      return value;
    }
  } catch { /* said below */ }
  return { name: "Error", message: "The stored error cannot be read" };
}

function store(
  error: unknown,
  limits: FailureLimits,
  depth: number = 0,
): StoredError {
  if (!(error instanceof Error)) {
    return {
      name: typeof error,
      message: clip(
        typeof error === "string"
          ? error
          : "A value that is no Error was thrown",
        limits.messageBytes,
      ),
    };
  }
  const cause = attempt(() => error.cause);
  const stack = readText(() => error.stack);
  return {
    name: clip(readText(() => error.name) ?? "Error", 200),
    message: clip(readText(() => error.message) ?? "", limits.messageBytes),
    ...(stack !== undefined && limits.stackBytes > 0
      ? { stack: clip(stack, limits.stackBytes) }
      : {}),
    ...(cause !== undefined && depth < limits.causes
      ? { cause: store(cause, limits, depth + 1) }
      : {}),
  };
}

function readText(read: () => unknown): string | undefined {
  return attempt(() => {
    const value = read();
    return value === undefined ? undefined : String(value);
  });
}

/** An error's own getters may throw or give anything. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** The first `bytes` bytes of `value`, cut between characters. */
function clip(value: string, bytes: number): string {
  const formed = value.toWellFormed();
  if (formed.length * 3 <= bytes) return formed;
  const encoded = utf8.encode(formed);
  if (encoded.length <= bytes) return formed;
  let end = bytes;
  while (end > 0 && (encoded[end]! & 0xc0) === 0x80) end--;
  return text.decode(encoded.subarray(0, end));
}
