import type { Delivery, StepRequest } from "../broker.ts";
import { type Books, type Live, move } from "./books.ts";

const utf8 = new TextEncoder();

/** What a step claimed. */
export interface Claimed {
  readonly claimed: readonly Live[];
  /** Whether suspects were passed over. */
  readonly suspects: boolean;
}

/** ready → leased, the attempt counted. */
export function claim(
  books: Books,
  { consumer, seq, leaseMs, limit, maxBytes, alone }: StepRequest,
  now: number,
): Claimed {
  if (limit === 0) return { claimed: [], suspects: false };
  const { picked, suspects } = pick(books, limit, alone);
  const claimed: Live[] = [];
  let bytes = 0;
  for (const task of picked) {
    bytes += utf8.encode(task.envelope).length;
    if (claimed.length > 0 && bytes > maxBytes) break;
    claimed.push(task);
  }
  for (const task of claimed) {
    task.attempt++;
    task.token = tokenOf(consumer, seq);
    move(books, task, "leased", now + leaseMs);
  }
  return { claimed, suspects };
}

/** The first `limit` in line; a suspect only if it is the first and the consumer holds nothing, and then it alone. */
function pick(
  books: Books,
  limit: number,
  alone: boolean,
): { readonly picked: readonly Live[]; readonly suspects: boolean } {
  const picked: Live[] = [];
  let suspects = false;
  const front = books.lines.ready.range({ limit: alone ? limit : limit + 50 });
  for (const task of front) {
    if (!task.suspect) {
      if (picked.length < limit) picked.push(task);
    } else if (alone && picked.length === 0) {
      return { picked: [task], suspects };
    } else suspects = true;
  }
  return { picked, suspects };
}

/** What proves a claim: the step that made it. */
export function tokenOf(consumer: string, seq: number): string {
  return `${consumer}:${seq}`;
}

/** A claimed task as its consumer gets it. */
export function deliver(task: Live): Delivery {
  const { id, token = "", attempt, enqueuedAt, dueAt, name, envelope } = task;
  const { previousSpan, lastError, suspect, cancelled, counted } = task;
  return {
    id,
    token,
    attempt,
    enqueuedAt,
    dueAt,
    name,
    envelope,
    previousSpan,
    lastError,
    suspect,
    cancelled,
    counted,
    releasedBy: task.releasedBy,
  };
}
