import type {
  EnqueueAnswer,
  EnqueueRequest,
  Presence,
  Rung,
  Told,
} from "../broker.ts";
import { PRESENT_MS, RING_MS } from "../wake.ts";
import { type Books, find } from "./books.ts";
import { recall } from "./register.ts";

/** Until when nobody needs to ring: for a ring is on its way, or a consumer is there. */
export interface Mark {
  readonly until: number;
  readonly isRing: boolean;
}

/** Sets a ring, unless one holds, and tells it. */
function ring(books: Books, now: number): Told {
  const { mark } = books;
  const stands = mark !== undefined && mark.isRing && mark.until > now;
  const set = stands ? mark : { until: now + RING_MS, isRing: true };
  books.mark = set;
  return { mark: String(set.until) };
}

/** Whether the caller of an enqueue is to ring: for a task that is due, new or known, or for a callback that was released. */
export function ringFor(
  books: Books,
  { rings = false, tasks, group }: EnqueueRequest,
  answers: readonly EnqueueAnswer[],
  now: number,
): Told {
  if (!rings) return {};
  const isReleased = group !== undefined &&
    recall(books.groups, group.id, now)?.closed === true;
  const due = answers.filter(({ status }, i) =>
    status !== "duplicate" && isDue(books, tasks[i]!.id, status, now)
  );
  if (due.length === 0 && !isReleased) return {};
  const { mark } = books;
  const holds = mark !== undefined && mark.until > now;
  const isRepeated = isReleased ||
    due.some(({ status }) => status === "known");
  return !holds || isRepeated && mark.isRing ? ring(books, now) : {};
}

/** Whether a step that brings the mark of a ring comes too late: somebody else has answered it. */
export function isAnswered(
  { mark }: Books,
  { mark: brought }: Rung = {},
): boolean {
  if (brought === undefined) return false;
  return mark === undefined || !mark.isRing || mark.until < Number(brought);
}

/** A step that had room and found nothing. */
export function clearMark(books: Books): void {
  books.mark = undefined;
}

/** What a step does to the mark that claimed something, or claims nothing any more. */
export function attend(
  books: Books,
  wake: Rung = {},
  hasFound: boolean,
  now: number,
): Presence {
  if (wake.leaving !== undefined) return leave(books, wake.leaving, now);
  const { mark } = books;
  if (mark === undefined || !hasFound) return {};
  const isOwn = wake.mark !== undefined && !isAnswered(books, wake);
  const fades = !mark.isRing && mark.until < now + PRESENT_MS * 3 / 4;
  if (mark.isRing ? isOwn : fades) {
    books.mark = { until: now + PRESENT_MS, isRing: false };
  }
  return { isPresent: true };
}

function leave(
  books: Books,
  how: Rung["leaving"],
  now: number,
): Told {
  const isLeft = !books.paused && books.lines.ready.size > 0;
  if (how === "ringing" && isLeft) return ring(books, now);
  if (books.mark?.isRing === false) books.mark = undefined;
  return {};
}

/** Whether a task can be claimed; a new one that has to wait its turn in a lane is the affair of those who are there. */
function isDue(
  books: Books,
  id: string,
  status: EnqueueAnswer["status"],
  now: number,
): boolean {
  const task = find(books, id, now);
  if (task === undefined) return false;
  const { state } = task;
  if (state === "ended" || state === "dead" || state === "waiting") {
    return false;
  }
  const waitsItsTurn = task.turn !== undefined && task.turn !== "admitted";
  return (task.dueAt ?? 0) <= now && !(status === "new" && waitsItsTurn);
}
