import type { NewTask } from "../../broker/broker.ts";

/** How many tasks one request takes at most. */
export const MAX_TASKS = 1_000;

/** How many bytes one request is to have at most: Upstash takes 10 MB. */
const MAX_BYTES = 8_000_000;

/** What a task takes in a request besides its texts: digits, commas, quotes. */
const TASK_BYTES = 64;

/** The tasks in order, in as few requests as their number and size allow. */
export function chunk(
  tasks: readonly NewTask[],
  maxBytes: number = MAX_BYTES,
): readonly NewTask[][] {
  const chunks: NewTask[][] = [];
  let current: NewTask[] = [];
  let bytes = 0;
  for (const task of tasks) {
    const more = sizeOf(task);
    const isFull = current.length === MAX_TASKS || bytes + more > maxBytes;
    if (isFull && current.length > 0) {
      chunks.push(current);
      current = [];
      bytes = 0;
    }
    current.push(task);
    bytes += more;
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}

/** About how many bytes a task takes in a request, which is JSON: what is JSON already is escaped once more. */
function sizeOf({ id, name, envelope, dedupe }: NewTask): number {
  return TASK_BYTES + quotedBytes(envelope) + quotedBytes(id) +
    quotedBytes(name) + (dedupe ? quotedBytes(dedupe.key) : 0);
}

/** The UTF-8 bytes of `text` as a JSON string, without the quotes around it. */
export function quotedBytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) bytes += 1;
    else if (code < 0x20) bytes += 5;
    else if (code >= 0xd800 && code < 0xe000) bytes += 1;
    else if (code >= 0x800) bytes += 2;
    else if (code >= 0x80) bytes += 1;
  }
  return bytes;
}
