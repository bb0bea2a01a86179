import type { TaskStanding } from "../broker/broker.ts";
import type { Chain, ChainCounts, ChainRef } from "../core/chain.ts";
import { checkName } from "../core/check.ts";
import type { CancelStatus } from "../core/state.ts";
import { cancel, newOperation } from "./administration.ts";
import type { QueueParts } from "./parts.ts";
import { ask, isPending, standingOf, standingsOf } from "./results.ts";

/** How many ids one request forgets. */
const MAX_FORGOTTEN = 500;

const TO_COME: TaskStanding = {
  status: "waiting",
  attempt: 0,
  dueAt: undefined,
  lastError: undefined,
};

/**
 * The handle of a chain that was enqueued before, here or elsewhere.
 *
 * @throws {TypeError} If it names no chain.
 */
export function chainOf<Output>(
  parts: QueueParts,
  { id, ids }: ChainRef<Output>,
): Chain<Output> {
  checkName("id", id);
  if (!Array.isArray(ids) || ids.length === 0) {
    throw new TypeError(
      "A chain is named by its id and the ids of its links: pass { id, ids }, as chain() gave them",
    );
  }
  for (const link of ids) checkName("id", link);
  return {
    id,
    ids,
    result: (options = {}) => ask(parts, options, looker(parts, ids)),
    counts: async () => count(await standingsOf(parts, ids)),
    cancel: () => cancelChain(parts, ids),
    delete: () => forget(parts, ids),
  };
}

/** Asks where the chain stands; what is known to be over is not asked for again. */
function looker(
  parts: QueueParts,
  ids: readonly string[],
): () => Promise<TaskStanding> {
  let first = 0;
  return async () => {
    const last = await standingOf(parts, ids.at(-1)!);
    if (last.status !== "missing") return last;
    const standings = await standingsOf(parts, ids.slice(first));
    const { index, standing } = reached(standings);
    if (standing === undefined) return last;
    const isLast = first + index === ids.length - 1;
    first += index;
    if (isPending(standing) && !isLast) return TO_COME;
    // what came after it is forgotten
    if (standing.status === "completed" && !isLast) return last;
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
    const standings = await standingsOf(parts, ids.slice(first));
    const { index, standing } = reached(standings);
    if (standing === undefined) return first === 0 ? "missing" : "ended";
    if (!isPending(standing)) return "ended";
    first += index;
    const status = await cancel(parts, ids[first]!);
    if (status === "cancelled" || status === "cancelling") return status;
    if (++first >= ids.length) return "ended";
  }
}

async function forget(
  parts: QueueParts,
  ids: readonly string[],
): Promise<void> {
  const { broker, instrument, name } = parts;
  for (let from = 0; from < ids.length; from += MAX_FORGOTTEN) {
    const cost = await broker.forget(name, {
      operation: newOperation(parts),
      ids: ids.slice(from, from + MAX_FORGOTTEN),
    });
    instrument.spent("forget", cost);
  }
}
