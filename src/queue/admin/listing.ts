import type {
  ListedState,
  ListedTask,
  ListRequest,
} from "../../broker/broker.ts";
import { readFailure } from "../../codec/failure.ts";
import { checkInteger, checkKnown } from "../../core/check.ts";
import type { StoredError } from "../../core/state.ts";
import type { QueueParts } from "../parts.ts";

const PAGE = 500;
const LISTED: readonly ListedState[] = ["ready", "scheduled", "leased", "dead"];

/** Which page `queue.list` answers. */
export interface ListOptions {
  /** Of the tasks in this state. */
  readonly state: ListedState;
  /** How many at most, from 1 to 1,000. @default {100} */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

/** A page of tasks. */
export interface TaskPage {
  /** The tasks, first to last. */
  readonly tasks: readonly TaskSummary[];
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string;
}

/** A task that has not been forgotten, as lists show it. All instants are the broker's, in milliseconds since the epoch. */
export interface TaskSummary {
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly name: string;
  /** Where it stands. */
  readonly state: ListedState;
  /** How many attempts have begun. */
  readonly attempt: number;
  /** When the broker accepted it. */
  readonly enqueuedAt: number;
  /** When it is due; of a `scheduled` one. */
  readonly dueAt?: number;
  /** When its lease ends; of a `leased` one. */
  readonly leasedUntil?: number;
  /** When it died; of a `dead` one. */
  readonly diedAt?: number;
  /** Why it is dead, or what the attempt before failed with. */
  readonly error?: StoredError;
}

/** A page of the tasks in one state. */
export async function list(
  parts: QueueParts,
  options: ListOptions,
): Promise<TaskPage> {
  checkKnown("of list()", options, ["state", "limit", "cursor"]);
  const { state, limit = 100, cursor } = options;
  if (!LISTED.includes(state)) {
    throw new TypeError(
      `state must be one of ${LISTED.join(", ")}: current value is ${state}`,
    );
  }
  checkInteger("limit", limit, 1, 1_000);
  if (cursor !== undefined && typeof cursor !== "string") {
    throw new TypeError("cursor must be that of the page before, or absent");
  }
  const page = await listPage(parts, { state, limit, cursor });
  return {
    tasks: page.tasks.map(summarize),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
}

/** All tasks in one state, page by page; a page may be empty. */
export async function* pages(
  parts: QueueParts,
  state: ListedState,
): AsyncGenerator<readonly ListedTask[], void, void> {
  let cursor: string | undefined;
  do {
    const page = await listPage(parts, { state, limit: PAGE, cursor });
    yield page.tasks;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function listPage(
  { broker, instrument, name }: QueueParts,
  request: ListRequest,
): Promise<{
  readonly tasks: readonly ListedTask[];
  readonly cursor: string | undefined;
}> {
  const reply = await broker.list(name, request);
  instrument.spent("list", reply);
  return reply;
}

function summarize(task: ListedTask): TaskSummary {
  const { id, name, state, attempt, enqueuedAt, at, error } = task;
  return {
    id,
    name,
    state,
    attempt,
    enqueuedAt,
    ...(at === undefined ? {} : instantOf(state, at)),
    ...(error ? { error: readFailure(error) } : {}),
  };
}

function instantOf(
  state: ListedState,
  at: number,
): Pick<TaskSummary, "dueAt" | "leasedUntil" | "diedAt"> {
  switch (state) {
    case "scheduled":
      return { dueAt: at };
    case "leased":
      return { leasedUntil: at };
    case "dead":
      return { diedAt: at };
    case "ready":
      return {};
  }
}
