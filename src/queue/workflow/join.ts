import { NonRetryableError, TaskCancelledError } from "../../core/error.ts";
import {
  GroupMissingError,
  type MemberFailure,
  type MemberResult,
} from "../../core/group.ts";
import { forkOfLink } from "../../core/id.ts";
import { isPending, standingsOf } from "../admin/results.ts";
import type { AttemptEnd, AttemptSource } from "../attempt/attempt.ts";
import type { QueueParts } from "../parts.ts";
import { groupOf } from "./group.ts";

/** When it looks again for the end of the task that sent them. */
const SENDER_MS = 500;
/** When it looks again for the ends of elements: a drain does not linger for it. */
const ELEMENTS_MS = 10_000;
/** How many results are read at a time. */
const PAGE = 5_000;

/**
 * Reads the results, in order; the chain goes on from here, unless the task that sent the elements has ended it already.
 * It waits for that task, and for elements that were redriven with it.
 */
export async function join(
  { parts, delivery: { id, cancelled }, input: stops }: AttemptSource,
): Promise<AttemptEnd> {
  const [sender] = await standingsOf(parts, [forkOfLink(id)]);
  if (isPending(sender!)) return again(SENDER_MS);
  try {
    const { total, status } = await groupOf(parts, id).counts();
    const isSent = sender!.status === "completed" ||
      sender!.status === "missing" && total !== undefined;
    if (!isSent) return { kind: "returned", value: undefined, leads: false };
    if (cancelled) {
      const error = new TaskCancelledError("The task was cancelled");
      return { kind: "cancelled", error };
    }
    const gathered = await gather(parts, id, status === "lost");
    if (gathered === undefined) return again(ELEMENTS_MS);
    const { results, failed, first } = gathered;
    if (stops !== true || first === undefined) {
      return { kind: "returned", value: results };
    }
    return { kind: "refused", error: failure(first, failed) };
  } catch (error) {
    return error instanceof GroupMissingError
      ? { kind: "refused", error }
      : { kind: "failed", error };
  }
}

function again(delayMs: number): AttemptEnd {
  return { kind: "released", delayMs, isSnoozed: false };
}

/** What came of a group's members. */
interface Gathered {
  /** In order; where they are too large to be kept, only so many that they are. */
  readonly results: readonly MemberResult[];
  /** How many have no result, and the first of them. */
  readonly failed: number;
  readonly first: MemberFailure | undefined;
}

/** What came of a group's members; nothing as long as one has not ended, unless the group was lost. */
async function gather(
  parts: QueueParts,
  id: string,
  isLost: boolean,
): Promise<Gathered | undefined> {
  const group = groupOf(parts, id);
  const all: MemberResult[] = [];
  let failed = 0;
  let first: MemberFailure | undefined;
  let room = parts.limits.maxResultBytes;
  for (let cursor: string | undefined = "0"; cursor !== undefined;) {
    const page = await group.results({ limit: PAGE, cursor });
    for (const result of page.results) {
      if (!result.ok) {
        if (isPending(result) && !isLost) return undefined;
        failed++;
        first ??= result;
      }
      if (room < 0) continue;
      room -= JSON.stringify(result).length;
      all.push(result);
    }
    cursor = page.cursor;
  }
  return { results: all, failed, first };
}

function failure(
  { index, status, error }: MemberFailure,
  failed: number,
): NonRetryableError {
  const others = failed === 1 ? "" : `, as ${failed - 1} others`;
  const message =
    `Element ${index} of the link is ${status}${others}: ${error.message}`;
  const { name } = error;
  return new NonRetryableError(message, {
    cause: Object.assign(new Error(error.message), {
      name,
      stack: error.stack,
    }),
  });
}
