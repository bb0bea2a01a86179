import type { Books } from "./books.ts";
import { type Scored, Sorted } from "./sorted.ts";

/** How many operations are remembered at most, and for how long. */
const OPERATION_LIMIT = 500;
const DAY_MS = 86_400_000;

/** Small records by name, in the order in which they are forgotten. */
export interface Register<T extends Scored> {
  readonly byId: Map<string, T>;
  readonly line: Sorted<T>;
}

/** A register with nothing in it. */
export function newRegister<T extends Scored>(): Register<T> {
  return { byId: new Map(), line: new Sorted() };
}

/** A small record, unless its time is over. */
export function recall<T extends Scored>(
  register: Register<T>,
  id: string,
  now: number,
): T | undefined {
  const record = register.byId.get(id);
  return record === undefined || record.score <= now ? undefined : record;
}

/** Keeps a small record in the place of the one before. */
export function remember<T extends Scored>(
  register: Register<T>,
  record: T,
): void {
  drop(register, record.id);
  register.byId.set(record.id, record);
  register.line.add(record);
}

/** Takes a small record out. */
export function drop<T extends Scored>(
  { byId, line }: Register<T>,
  id: string,
): void {
  const record = byId.get(id);
  if (record === undefined) return;
  byId.delete(id);
  line.remove(record);
}

/** Does what an operation asks, once; a repeat is answered as the first was. */
export function once<T>(
  { operations, now }: Pick<Books, "operations" | "now">,
  operation: string,
  act: () => T,
): T {
  // an operation id belongs to one request, so that its answer is of one type
  const before = operations.get(operation);
  if (before !== undefined) return before.answer as T;
  const answer = act();
  operations.set(operation, { at: now, answer });
  for (const [oldest, { at }] of operations) {
    if (operations.size <= OPERATION_LIMIT && at > now - DAY_MS) break;
    operations.delete(oldest);
  }
  return answer;
}
