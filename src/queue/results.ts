import type { TaskStanding } from "../broker/broker.ts";
import { readFailure } from "../codec/failure.ts";
import {
  checkInteger,
  checkKnown,
  checkName,
  checkSignal,
} from "../core/check.ts";
import { sleep } from "../core/clock.ts";
import type { TaskId } from "../core/id.ts";
import type { TaskResult } from "../core/state.ts";
import type { QueueParts } from "./parts.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const LONGEST_WAIT_MS = 600_000;

/** How `queue.result` asks. */
export interface ResultOptions {
  /** How long to wait for the task's end, in milliseconds, 10 min at most. The broker is asked after 100 ms, then ever less often, down to every 2 s. @default {0} */
  readonly waitMs?: number;
  /** Gives up waiting: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where a task stands; with `waitMs`, as soon as it has ended or when the time is over. */
export async function result<Output>(
  parts: QueueParts,
  id: TaskId<Output>,
  options: ResultOptions = {},
): Promise<TaskResult<Output>> {
  checkName("id", id);
  checkKnown("of result()", options, ["waitMs", "signal"]);
  const { waitMs = 0, signal } = options;
  checkInteger("waitMs", waitMs, 0, LONGEST_WAIT_MS);
  checkSignal(signal);
  const { broker, clock, instrument, name } = parts;
  const deadline = waitMs === 0 ? 0 : clock.now() + waitMs;
  let pauseMs = FIRST_PAUSE_MS;
  while (true) {
    signal?.throwIfAborted();
    const standing = await broker.result(name, id);
    instrument.spent("result", standing);
    const leftMs = waitMs === 0 ? 0 : deadline - clock.now();
    if (!isPending(standing) || leftMs <= 0) return read<Output>(standing);
    await sleep(clock, Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function isPending({ status }: TaskStanding): boolean {
  return status === "waiting" || status === "scheduled" ||
    status === "ready" || status === "leased";
}

function read<Output>(standing: TaskStanding): TaskResult<Output> {
  switch (standing.status) {
    case "missing":
      return { status: "missing" };
    case "completed":
      return {
        status: "completed",
        attempt: standing.attempt,
        ...readValue<Output>(standing.payload),
      };
    case "dead":
    case "cancelled":
    case "expired": {
      const { status, attempt, error } = standing;
      return { status, attempt, error: readFailure(error) };
    }
    default: {
      const { status, attempt, dueAt, lastError } = standing;
      return {
        status,
        attempt,
        ...(status === "scheduled" && dueAt !== undefined ? { dueAt } : {}),
        ...(lastError ? { lastError: readFailure(lastError) } : {}),
      };
    }
  }
}

/** A result that is not kept, or cannot be read, is none. */
function readValue<Output>(
  payload: string | undefined,
): { readonly value: Output; readonly saved: boolean } {
  try {
    if (payload === "") return { value: undefined as Output, saved: true };
    if (payload !== undefined) {
      return { value: JSON.parse(payload), saved: true };
    }
  } catch { /* said below */ }
  return { value: undefined as Output, saved: false };
}
