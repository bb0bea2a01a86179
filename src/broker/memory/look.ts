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
import { type Books, boost, find, FRONT, type Live } from "./books.ts";
import { isTurn, type Turn } from "./lanes.ts";
import { compareBytes, type Scored, type Sorted } from "./sorted.ts";

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
  if (state === "ready") found.push(...behind(books, lane, from));
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
  books: Books,
  now: number,
): Omit<StatsReply, keyof Counted> {
  const { lines: { ready, scheduled, leased, dead }, paused } = books;
  const oldest = oldestOf(books);
  return {
    now,
    ready: ready.size + countAside(books),
    scheduled: scheduled.size,
    leased: leased.size,
    dead: dead.size,
    paused,
    pausedNames: [...books.pausedNames],
    oldestAt: oldest && Math.floor(oldest / 1000),
    evicted: [],
  };
}

/** Since when the first ready task counts, in µs; one that waits in its lane is looked at where nothing else is ready. */
function oldestOf(books: Books): number | undefined {
  const { lines: { ready } } = books;
  const next = ready.first;
  if (next === undefined) {
    const [waits] = asides(books).filter(([key]) => key.startsWith("k:"))
      .sort(([a], [b]) => compareBytes(`${a}|`, `${b}|`))
      .flatMap(([, turns]) => turns.first ?? []);
    return waits && since(waits.task);
  }
  if (!isTurn(next.score)) {
    return next.score < 0 ? next.score + FRONT : next.score;
  }
  const [other] = ready.range({ after: { id: "", score: -3e15 }, limit: 1 });
  return Math.min(since(next), other?.score ?? Infinity);
}

/** Since when a task of a key counts: it stands in line by its turn. */
function since({ dueAt, enqueuedAt, priority }: Live): number {
  return (dueAt ?? enqueuedAt) * 1000 - boost(priority);
}

/** Where a page ended: in which lane or of which paused name, or in neither, and behind whom. */
type Cursor = readonly [lane: string | null, from: Scored | undefined];

interface Place {
  readonly task: Live;
  readonly lane: string | null;
  readonly from: Scored;
}

/** The tasks behind a place that wait in lanes, then those that were set aside. */
function behind(
  books: Books,
  lane: string | null,
  from: Scored | undefined,
): readonly Place[] {
  return asides(books)
    .filter(([key]) => lane === null || compareBytes(key, lane) >= 0)
    .sort(([a], [b]) => compareBytes(a, b))
    .flatMap(([key, turns]) =>
      turns.range({
        after: key === lane ? from : undefined,
        limit: Infinity,
      }).map((turn) => ({ task: turn.task, lane: key, from: scored(turn) }))
    );
}

/** How many are ready and in no line. */
export function countAside(books: Books): number {
  return asides(books).reduce((count, [, turns]) => count + turns.size, 0);
}

/** Those that are ready and in no line: by their concurrency key, or by their paused name. */
function asides(
  { lanes, parked }: Books,
): readonly (readonly [string, Sorted<Turn>])[] {
  return [
    ...[...lanes].map(([key, { waiting }]) =>
      [`k:${encodeURIComponent(key)}`, waiting] as const
    ),
    ...[...parked].map(([name, turns]) =>
      [`n:${encodeURIComponent(name)}`, turns] as const
    ),
  ];
}

function scored({ id, score }: Scored): Scored {
  return { id, score };
}

function listed(task: Live): ListedTask {
  const { id, name, state, attempt, enqueuedAt, lastError } = task;
  const at = state === "ready" ? undefined : task.score;
  return { id, name, state, attempt, enqueuedAt, at, error: lastError };
}
