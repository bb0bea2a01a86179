import type { GroupReply, TaskStanding } from "../../broker/broker.ts";
import { writeFailure } from "../../codec/failure.ts";
import { checkInteger, checkKnown, checkName } from "../../core/check.ts";
import {
  type Group,
  type GroupCounts,
  GroupMissingError,
  type GroupResults,
  type GroupResultsOptions,
  type GroupSettled,
  type MemberResult,
} from "../../core/group.ts";
import { memberIds } from "../../core/id.ts";
import type { ResultOptions } from "../../core/state.ts";
import { cancelled, newOperation } from "../admin/administration.ts";
import { poll } from "../admin/poll.ts";
import { isPending, read } from "../admin/results.ts";
import type { QueueParts } from "../parts.ts";
import { rouse } from "../wake/rouse.ts";

/** How many members a group has at most. */
export const MAX_MEMBERS = 100_000;
/** How many of them one request is about. */
const PAGE = 500;
/** How many bytes of results one request answers. */
const MAX_BYTES = 4_000_000;

/** The group of this id; nothing is asked before one of its functions is called. */
export function groupOf<Output>(parts: QueueParts, id: string): Group<Output> {
  checkName("group", id);
  return {
    id,
    counts: () => countsOf(parts, id),
    wait: (options) => waitFor(parts, id, options),
    results: (options) => resultsOf<Output>(parts, id, options),
    async cancel() {
      const asked = await cancelMembers(parts, id);
      if (asked > 0) await rouse(parts);
      return asked;
    },
    delete: () => forgetAll(parts, id),
  };
}

/** What came of a group, for its callback. */
export async function settledOf(
  parts: QueueParts,
  group: string,
): Promise<GroupSettled> {
  return { group, ...await countsOf(parts, group) };
}

async function countsOf(parts: QueueParts, id: string): Promise<GroupCounts> {
  const { broker, instrument, name } = parts;
  const reply = await broker.group(name, id);
  instrument.spent("group", reply);
  if (reply.status === "missing") throw new GroupMissingError(name, id);
  return countsIn(reply);
}

function countsIn(
  reply: Exclude<GroupReply, { readonly status: "missing" }>,
): GroupCounts {
  const { status, total, completed, dead, cancelled, expired } = reply;
  const counts = { status, completed, dead, cancelled, expired };
  if (total === undefined) return counts;
  const ended = completed + dead + cancelled + expired;
  return { ...counts, total, pending: Math.max(0, total - ended) };
}

function waitFor(
  parts: QueueParts,
  id: string,
  options: ResultOptions = {},
): Promise<GroupCounts> {
  checkKnown("of wait()", options, ["waitMs", "signal"]);
  return poll(parts, options, () => countsOf(parts, id), isUnderWay);
}

function isUnderWay({ status }: GroupCounts): boolean {
  return status === "open" || status === "sealed";
}

async function resultsOf<Output>(
  parts: QueueParts,
  id: string,
  options: GroupResultsOptions = {},
): Promise<GroupResults<Output>> {
  const { limit = 1_000, cursor = "0", failures = false, ...waiting } = options;
  checkKnown("of results()", waiting, ["waitMs", "signal"]);
  checkInteger("limit", limit, 1, 10_000);
  const from = Number(cursor);
  checkInteger("cursor, of the page before,", from, 0, MAX_MEMBERS);
  const counts = await waitFor(parts, id, waiting);
  const { total = MAX_MEMBERS } = counts;
  const idOf = await memberIds(id);
  const results: MemberResult<Output>[] = [];
  let end = Math.min(from + limit, total);
  let next = from;
  while (next < end) {
    const ids = idsOf(idOf, next, Math.min(PAGE, end - next));
    const standings = await standingsOf(parts, ids);
    for (const standing of standings) {
      // of a group that is not sealed nobody knows the last
      if (counts.total === undefined && standing.status === "missing") {
        return { ...counts, results };
      }
      const result = memberResult<Output>(standing, next, idOf(next));
      if (!failures || isFailure(result)) results.push(result);
      next++;
    }
    if (standings.length < ids.length) end = next;
  }
  return {
    ...counts,
    results,
    ...(end < total ? { cursor: `${end}` } : {}),
  };
}

async function standingsOf(
  { broker, instrument, name }: QueueParts,
  ids: readonly string[],
): Promise<readonly TaskStanding[]> {
  const reply = await broker.results(name, { ids, maxBytes: MAX_BYTES });
  instrument.spent("results", reply);
  return reply.standings;
}

function memberResult<Output>(
  standing: TaskStanding,
  index: number,
  id: string,
): MemberResult<Output> {
  const member = { index, id };
  const result = read<Output>(standing);
  if (result.status === "completed") {
    const { value, saved, unopened } = result;
    const told = unopened === undefined ? {} : { unopened };
    return { ...member, ok: true, value, saved, ...told };
  }
  const { status } = result;
  if ("error" in result) {
    return { ...member, ok: false, status, error: result.error };
  }
  const message = status === "missing"
    ? "The task is forgotten, or was never sent"
    : `The task has not ended: it is ${status}`;
  return { ...member, ok: false, status, error: { name: "Error", message } };
}

/** Whether a member ended without a result. */
function isFailure(result: MemberResult): boolean {
  return !result.ok && result.status !== "missing" && !isPending(result);
}

/** Ends the members that wait, and asks those that run to stop; rings for nobody. */
export async function cancelMembers(
  parts: QueueParts,
  id: string,
): Promise<number> {
  const { broker, instrument, limits, name } = parts;
  const error = writeFailure(cancelled("The task's group was cancelled"));
  let changed = 0;
  const counts = await countsOf(parts, id);
  for await (const ids of pagesOf(parts, id, counts)) {
    const reply = await broker.purge(name, {
      operation: newOperation(parts),
      tasks: ids.map((id) => ({ id })),
      stop: true,
      error,
      keepMs: limits.idTtlMs,
    });
    instrument.spent("purge", reply);
    changed += reply.changed;
  }
  return changed;
}

async function forgetAll(parts: QueueParts, id: string): Promise<void> {
  const { broker, instrument, name } = parts;
  const forget = async (ids: readonly string[], group?: string) => {
    const operation = newOperation(parts);
    const reply = await broker.forget(name, { operation, ids, group });
    instrument.spent("forget", reply);
  };
  const counts = await countsOf(parts, id);
  if (isUnderWay(counts)) {
    throw new RangeError(
      `Cannot delete group '${id}', which is ${counts.status}: cancel() it, and wait() until its members have ended`,
    );
  }
  for await (const ids of pagesOf(parts, id, counts)) await forget(ids);
  // last, so that whoever was interrupted finds the others again
  await forget([], id);
}

/** Forgets the members and the group where all have ended; where there is none, or not yet, it is left alone. */
export async function forgetEnded(
  parts: QueueParts,
  id: string,
): Promise<void> {
  try {
    if (!isUnderWay(await countsOf(parts, id))) await forgetAll(parts, id);
  } catch (error) {
    if (!(error instanceof GroupMissingError)) throw error;
  }
}

/** The ids of a group's members, page by page. */
async function* pagesOf(
  parts: QueueParts,
  id: string,
  { total }: GroupCounts,
): AsyncGenerator<readonly string[], void, void> {
  const idOf = await memberIds(id);
  const end = total ?? MAX_MEMBERS;
  for (let from = 0; from < end; from += PAGE) {
    const ids = idsOf(idOf, from, Math.min(PAGE, end - from));
    if (total === undefined) {
      const [first] = await standingsOf(parts, ids.slice(0, 1));
      if (first?.status === "missing") return;
    }
    yield ids;
  }
}

function idsOf(
  idOf: (index: number) => string,
  from: number,
  length: number,
): readonly string[] {
  return Array.from({ length }, (_, i) => idOf(from + i));
}
