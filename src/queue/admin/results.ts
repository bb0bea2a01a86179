import type { TaskStanding } from "../../broker/broker.ts";
import { readFailure } from "../../codec/failure.ts";
import { checkKnown, checkName } from "../../core/check.ts";
import type { TaskId } from "../../core/id.ts";
import type {
  CompletedResult,
  ResultOptions,
  TaskResult,
} from "../../core/state.ts";
import { poll } from "./poll.ts";
import type { QueueParts } from "../parts.ts";

/** How many tasks one request asks for, and how much it answers. */
const MAX_STANDINGS = 500;
const MAX_BYTES = 4_000_000;

/** Where a task stands; with `waitMs`, as soon as it has ended or when the time is over. */
export async function result<Output>(
  parts: QueueParts,
  id: TaskId<Output>,
  options: ResultOptions = {},
): Promise<TaskResult<Output>> {
  checkName("id", id);
  return await ask(parts, options, () => standingOf(parts, id));
}

/** Asks where something stands until it has ended or the time is over. */
export async function ask<Output>(
  parts: QueueParts,
  options: ResultOptions,
  look: () => Promise<TaskStanding>,
): Promise<TaskResult<Output>> {
  checkKnown("of result()", options, ["waitMs", "signal"]);
  return read<Output>(await poll(parts, options, look, isPending));
}

/** Where one task stands. */
export async function standingOf(
  { broker, instrument, name }: QueueParts,
  id: string,
): Promise<TaskStanding> {
  const standing = await broker.result(name, id);
  instrument.spent("result", standing);
  return standing;
}

/** Where several tasks stand, asked for in order. */
export async function standingsOf(
  { broker, instrument, name }: QueueParts,
  ids: readonly string[],
): Promise<readonly TaskStanding[]> {
  const standings: TaskStanding[] = [];
  while (standings.length < ids.length) {
    const from = standings.length;
    const reply = await broker.results(name, {
      ids: ids.slice(from, from + MAX_STANDINGS),
      maxBytes: MAX_BYTES,
    });
    instrument.spent("results", reply);
    standings.push(...reply.standings);
  }
  return standings;
}

/** Whether a task has not ended. */
export function isPending(
  { status }: Pick<TaskStanding, "status">,
): boolean {
  return status === "waiting" || status === "scheduled" ||
    status === "ready" || status === "leased";
}

/** A standing as it is told. */
export function read<Output>(standing: TaskStanding): TaskResult<Output> {
  switch (standing.status) {
    case "missing":
      return { status: "missing" };
    case "completed":
      return {
        status: "completed",
        attempt: standing.attempt,
        ...readValue<Output>(standing),
      };
    case "dead":
    case "cancelled":
    case "expired": {
      const { status, attempt, error } = standing;
      return { status, attempt, error: readFailure(error) };
    }
    default: {
      const { status, attempt, dueAt, lastError, progress } = standing;
      return {
        status,
        attempt,
        ...(status === "scheduled" && dueAt !== undefined ? { dueAt } : {}),
        ...(lastError ? { lastError: readFailure(lastError) } : {}),
        ...readProgress(progress),
      };
    }
  }
}

/** What the attempt of now told last; what cannot be read is nothing. */
function readProgress(
  json: string | undefined,
): { readonly progress?: unknown } {
  try {
    return json === undefined ? {} : { progress: JSON.parse(json) };
  } catch {
    return {};
  }
}

/** A result that is not kept, or cannot be read or trusted, is none. */
function readValue<Output>(
  { payload, unopened }: Extract<TaskStanding, { status: "completed" }>,
): Pick<CompletedResult<Output>, "value" | "saved" | "unopened"> {
  try {
    if (payload === "") return { value: undefined as Output, saved: true };
    if (payload !== undefined) {
      return { value: JSON.parse(payload), saved: true };
    }
  } catch { /* said below */ }
  return {
    value: undefined as Output,
    saved: false,
    ...(unopened === undefined ? {} : { unopened }),
  };
}
