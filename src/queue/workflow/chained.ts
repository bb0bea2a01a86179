import type { TaskStanding } from "../../broker/broker.ts";
import type { Chain, ChainCounts, ChainRef } from "../../core/chain.ts";
import { GroupMissingError } from "../../core/group.ts";
import { forkOfLink, isGroupLinkId } from "../../core/id.ts";
import type { CancelStatus } from "../../core/state.ts";
import { askToStop, newOperation } from "../admin/administration.ts";
import { ask, isPending, standingsOf } from "../admin/results.ts";
import type { QueueParts } from "../parts.ts";
import { rouse } from "../wake/rouse.ts";
import { cancelMembers, forgetEnded } from "./group.ts";

/** How many ids one request forgets. */
const MAX_FORGOTTEN = 500;

const TO_COME: TaskStanding = {
  status: "waiting",
  attempt: 0,
  dueAt: undefined,
  lastError: undefined,
};

/** The chain that a handle names. */
export function chainOf<Output>(
  parts: QueueParts,
  { id, ids }: ChainRef<Output>,
): Chain<Output> {
  return {
    id,
    ids,
    result: (options = {}) => ask(parts, options, looker(parts, ids)),
    counts: async () => count(await linksOf(parts, ids)),
    cancel: () => cancelChain(parts, ids),
    delete: () => forget(parts, ids),
  };
}

/** The tasks of these links: of a group the one that sends its members, and the one that joins them. */
function tasksOf(ids: readonly string[]): readonly string[] {
  return ids.flatMap((id) => isGroupLinkId(id) ? [forkOfLink(id), id] : [id]);
}

/** Where links stand, in order. */
async function linksOf(
  parts: QueueParts,
  ids: readonly string[],
): Promise<readonly TaskStanding[]> {
  const standings = [...await standingsOf(parts, tasksOf(ids))].values();
  const next = () => standings.next().value!;
  return ids.map((id) => isGroupLinkId(id) ? joined(next(), next()) : next());
}

/** A group stands where the task that sends its members does, until that has completed. */
function joined(fork: TaskStanding, join: TaskStanding): TaskStanding {
  const isSent = fork.status === "completed" || fork.status === "missing";
  return isSent ? join : fork;
}

/** Asks where the chain stands; what is known to be over is not asked for again. */
function looker(
  parts: QueueParts,
  ids: readonly string[],
): () => Promise<TaskStanding> {
  let first = 0;
  return async () => {
    const [last] = await linksOf(parts, ids.slice(-1));
    if (last!.status !== "missing") return last!;
    const standings = await linksOf(parts, ids.slice(first));
    const { index, standing } = reached(standings);
    if (standing === undefined) return last!;
    const isLast = first + index === ids.length - 1;
    first += index;
    if (isPending(standing) && !isLast) return TO_COME;
    // what came after it is forgotten
    if (standing.status === "completed" && !isLast) return last!;
    return standing;
  };
}

/** How far the chain has come: each link is there with the end of the one before. */
function reached(
  standings: readonly TaskStanding[],
): { readonly index: number; readonly standing: TaskStanding | undefined } {
  const index = standings.findLastIndex(({ status }) => status !== "missing");
  return { index, standing: standings[index] };
}

function count(standings: readonly TaskStanding[]): ChainCounts {
  const of = (status: TaskStanding["status"]) =>
    standings.filter((standing) => standing.status === status).length;
  const pending = standings.filter(isPending).length;
  const unborn = standings.length - 1 - reached(standings).index;
  const waiting = pending > 0 ? unborn : 0;
  return {
    total: standings.length,
    completed: of("completed"),
    dead: of("dead"),
    cancelled: of("cancelled"),
    expired: of("expired"),
    pending,
    waiting,
    missing: of("missing") - waiting,
  };
}

/** Cancels the link that has not ended; if it ends meanwhile, the next one. */
async function cancelChain(
  parts: QueueParts,
  ids: readonly string[],
): Promise<CancelStatus> {
  for (let first = 0;;) {
    const standings = await linksOf(parts, ids.slice(first));
    const { index, standing } = reached(standings);
    if (standing === undefined) return first === 0 ? "missing" : "ended";
    if (!isPending(standing)) return "ended";
    first += index;
    const status = await cancelLink(parts, ids[first]!);
    if (status === "cancelling") await rouse(parts);
    if (status === "cancelled" || status === "cancelling") return status;
    if (++first >= ids.length) return "ended";
  }
}

/** Of a group, ends its members, and whoever sends or joins them. */
async function cancelLink(
  parts: QueueParts,
  id: string,
): Promise<CancelStatus> {
  if (!isGroupLinkId(id)) return await askToStop(parts, id);
  const sender = await askToStop(parts, forkOfLink(id));
  const joiner = await askToStop(parts, id);
  try {
    await cancelMembers(parts, id);
  } catch (error) {
    if (!(error instanceof GroupMissingError)) throw error;
  }
  const found = [sender, joiner];
  return found.find((status) => status === "cancelling") ??
    found.find((status) => status === "cancelled") ?? "ended";
}

async function forget(
  parts: QueueParts,
  ids: readonly string[],
): Promise<void> {
  const { broker, instrument, name } = parts;
  for (const id of ids) if (isGroupLinkId(id)) await forgetEnded(parts, id);
  const tasks = tasksOf(ids);
  for (let from = 0; from < tasks.length; from += MAX_FORGOTTEN) {
    const cost = await broker.forget(name, {
      operation: newOperation(parts),
      ids: tasks.slice(from, from + MAX_FORGOTTEN),
    });
    instrument.spent("forget", cost);
  }
}
