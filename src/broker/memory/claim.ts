import type { Delivery, Rate, StepRequest } from "../broker.ts";
import { type Books, type Live, move } from "./books.ts";
import { isTurn, start } from "./lanes.ts";
import { park } from "./parking.ts";
import { after, caughtUp, comeAt, slots } from "./rates.ts";

const utf8 = new TextEncoder();

/** What a step claimed. */
export interface Claimed {
  readonly claimed: readonly Live[];
  /** Whether suspects were passed over. */
  readonly suspects: boolean;
  /** Whether tasks were set aside, so that there may be others behind them. */
  readonly moved: boolean;
  /** When more may be claimed, if any was held back by the queue's rate. */
  readonly nextAt: number | undefined;
}

/** What a step claims that claims nothing. */
export const NOTHING: Claimed = {
  claimed: [],
  suspects: false,
  moved: false,
  nextAt: undefined,
};

/** ready → leased, the attempt counted. */
export function claim(
  books: Books,
  request: StepRequest,
  now: number,
): Claimed {
  const { consumer, seq, leaseMs, limit, maxBytes, alone } = request;
  if (limit === 0) return NOTHING;
  const { line, hasTurns } = lineUp(books, limit, alone);
  if (line.length === 0) return NOTHING;
  const front = park(books, line);
  const moved = front.length < line.length;
  const pacer = new Pacer(books, request);
  const { picked, suspects } = pick(front, limit, alone, pacer);
  const claimed: Live[] = [];
  let bytes = 0;
  let count = 0;
  for (const task of picked) {
    bytes += utf8.encode(task.envelope).length;
    if (claimed.length > 0 && bytes > maxBytes) break;
    claimed.push(task);
  }
  for (const task of claimed) {
    const { score } = task;
    task.attempt++;
    task.token = tokenOf(consumer, seq);
    move(books, task, "leased", now + leaseMs);
    if (isFirst(score)) continue;
    start(books, task, score);
    count++;
    if (hasTurns) books.wasTurn = isTurn(score);
  }
  const nextAt = pacer.keep(count);
  return { claimed, suspects, moved, nextAt };
}

/** What goes before all others, then those that have turns and those that have none, one of each in turn. */
function lineUp(
  books: Books,
  limit: number,
  alone: boolean,
): { readonly line: readonly Live[]; readonly hasTurns: boolean } {
  const { lines: { ready }, pausedNames, wasTurn } = books;
  const room = limit + (pausedNames.size > 0 ? 400 : alone ? 0 : 50);
  const seen = ready.range({ limit: room });
  const front = seen.filter(({ score }) => isFirst(score));
  const turns = seen.filter(({ score }) => isTurn(score));
  let others = seen.slice(front.length + turns.length);
  const isCut = seen.length === room && others.length * 2 < limit;
  if (isCut && turns.length > 0) {
    others = [
      ...ready.range({ after: { id: "", score: -3e15 }, limit: room }),
    ];
  }
  let [first, second] = wasTurn ? [others, turns] : [turns, others];
  if (alone && second[0]?.suspect && first[0]?.suspect === false) {
    [first, second] = [second, first];
  }
  const most = Math.max(first.length, second.length);
  const line = Array.from(
    { length: most },
    (_, i) => [first[i] ?? [], second[i] ?? []].flat(),
  );
  return {
    line: [...front, ...line.flat()],
    hasTurns: turns.length > 0,
  };
}

/** Whether this place is before those of all others: what was cancelled, and schedules. */
function isFirst(score: number): boolean {
  return score < -5e15;
}

/** The first `limit` in line; a suspect only if it is the first and the consumer holds nothing, and then it alone. */
function pick(
  front: readonly Live[],
  limit: number,
  alone: boolean,
  pacer: Pacer,
): { readonly picked: readonly Live[]; readonly suspects: boolean } {
  const picked: Live[] = [];
  let suspects = false;
  for (const task of front) {
    if (task.suspect && (!alone || picked.length > 0)) suspects = true;
    else if (picked.length < limit && pacer.takes(task)) {
      picked.push(task);
      if (task.suspect) break;
    }
  }
  return { picked, suspects };
}

/** The rate of the whole queue, if the step brings one. */
class Pacer {
  readonly #books: Books;
  readonly #rate: Rate | undefined;
  readonly #startAt: number;
  #left: number;
  #isCut = false;

  constructor(books: Books, { rate }: StepRequest) {
    const { now, pace: { startAt, isAwaited } } = books;
    this.#books = books;
    this.#rate = rate;
    this.#startAt = rate ? caughtUp(startAt, now, rate, isAwaited) : 0;
    this.#left = rate ? slots(this.#startAt, now, rate) : Infinity;
  }

  /** Whether a task may be claimed, as one of those that count. */
  takes({ score }: Live): boolean {
    if (isFirst(score)) return true;
    if (this.#left-- > 0) return true;
    this.#isCut = true;
    return false;
  }

  /** Counts what was claimed; says when the next may be, if any was held back. */
  keep(count: number): number | undefined {
    if (this.#rate === undefined) return undefined;
    const startAt = after(this.#startAt, this.#rate, count);
    this.#books.pace = { startAt, isAwaited: this.#isCut };
    return this.#isCut
      ? comeAt(startAt, this.#books.now, this.#rate)
      : undefined;
  }
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
    group: task.group,
    releasedBy: task.releasedBy,
  };
}
