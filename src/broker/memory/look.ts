import type {
  Counted,
  ListedTask,
  ListReply,
  ListRequest,
  ResultsReply,
  ResultsRequest,
  StatsReply,
  TaskStanding,
} from "../broker.ts";
import { type Books, find, FRONT, type Live } from "./books.ts";
import { compareBytes, type Scored } from "./sorted.ts";

const utf8 = new TextEncoder();

/** Where a task stands. */
export function result(books: Books, id: string, now: number): TaskStanding {
  const task = find(books, id, now);
  if (task === undefined) return { status: "missing" };
  switch (task.state) {
    case "ended":
      return task.standing.status === "completed" && task.payloadUntil <= now
        ? { ...task.standing, payload: undefined }
        : task.standing;
    case "dead": {
      const { attempt, score: endedAt, lastError: error = "" } = task;
      return { status: "dead", attempt, endedAt, error };
    }
    case "waiting":
      return {
        status: "waiting",
        attempt: 0,
        dueAt: undefined,
        lastError: undefined,
      };
    default: {
      const { state: status, attempt, lastError, progress } = task;
      const dueAt = status === "scheduled" ? task.score : undefined;
      return {
        status,
        attempt,
        dueAt,
        lastError,
        ...progress === undefined ? {} : { progress },
      };
    }
  }
}

/** Where tasks stand, up to so many bytes, but one at least. */
export function results(
  books: Books,
  { ids, maxBytes }: ResultsRequest,
  now: number,
): Omit<ResultsReply, keyof Counted> {
  const standings: TaskStanding[] = [];
  let bytes = 0;
  for (const id of ids) {
    const standing = result(books, id, now);
    bytes += utf8.encode(JSON.stringify(standing)).length;
    if (standings.length > 0 && bytes > maxBytes) break;
    standings.push(standing);
  }
  return { standings };
}

/** A page of the line of one state; behind what is ready come those that wait in their lanes. */
export function list(
  books: Books,
  { state, limit, cursor }: ListRequest,
): Omit<ListReply, keyof Counted> {
  const [lane, from]: Cursor = cursor === undefined
    ? [null, undefined]
    : JSON.parse(cursor);
  const found: Place[] = lane === null
    ? books.lines[state].range({ after: from, limit: limit + 1 })
      .map((task) => ({ task, lane: null, from: scored(task) }))
    : [];
  if (state === "ready") found.push(...waiting(books, lane, from));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const more = found.length > limit && last !== undefined;
  return {
    tasks: page.map(({ task }) => listed(task)),
    cursor: more ? JSON.stringify([last.lane, last.from]) : undefined,
  };
}

/** How many tasks are where. */
export function stats(
  { lines: { ready, scheduled, leased, dead }, lanes, paused }: Books,
  now: number,
): Omit<StatsReply, keyof Counted> {
  const first = ready.first;
  let waiting = 0;
  for (const lane of lanes.values()) waiting += lane.waiting.size;
  return {
    now,
    ready: ready.size + waiting,
    scheduled: scheduled.size,
    leased: leased.size,
    dead: dead.size,
    paused,
    oldestAt: first && Math.floor(
      (first.score < 0 ? first.score + FRONT : first.score) / 1000,
    ),
    evicted: [],
  };
}

/** Where a page ended: in which lane, or in none, and behind whom. */
type Cursor = readonly [lane: string | null, from: Scored | undefined];

interface Place {
  readonly task: Live;
  readonly lane: string | null;
  readonly from: Scored;
}

/** The tasks that wait in the lanes behind a place. */
function waiting(
  { lanes }: Books,
  lane: string | null,
  from: Scored | undefined,
): readonly Place[] {
  return [...lanes.keys()].sort(compareLanes)
    .filter((key) => lane === null || compareLanes(key, lane) >= 0)
    .flatMap((key) =>
      (lanes.get(key)?.waiting.range({
        after: key === lane ? from : undefined,
        limit: Infinity,
      }) ?? []).map((turn) => ({
        task: turn.task,
        lane: key,
        from: scored(turn),
      }))
    );
}

function compareLanes(a: string, b: string): number {
  return compareBytes(encodeURIComponent(a), encodeURIComponent(b));
}

function scored({ id, score }: Scored): Scored {
  return { id, score };
}

function listed(task: Live): ListedTask {
  const { id, name, state, attempt, enqueuedAt, lastError } = task;
  const at = state === "ready" ? undefined : task.score;
  return { id, name, state, attempt, enqueuedAt, at, error: lastError };
}
