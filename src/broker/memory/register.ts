import { type Scored, Sorted } from "./sorted.ts";

/** How many operations are remembered. */
const OPERATION_LIMIT = 64;

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
  operations: Map<string, unknown>,
  operation: string,
  act: () => T,
): T {
  // an operation id belongs to one request, so that its answer is of one type
  if (operations.has(operation)) return operations.get(operation) as T;
  const answer = act();
  operations.set(operation, answer);
  if (operations.size > OPERATION_LIMIT) {
    for (const oldest of operations.keys()) {
      operations.delete(oldest);
      break;
    }
  }
  return answer;
}
