import {
  checkContext,
  checkEffect,
  checkHookShape,
  checkKnown,
  checkName,
} from "../core/check.ts";
import type { Chain, ChainOptions } from "../core/chain.ts";
import { derivedId, newId } from "../core/id.ts";
import type { EnqueueOptions } from "../core/options.ts";
import type { Call } from "../core/task.ts";
import { checkCalls, type CheckedCall, checkHook } from "./calls.ts";
import { chainOf } from "./chained.ts";
import { dispatch, type Origin } from "./enqueue.ts";
import { passCheck } from "./middleware.ts";
import type { QueueParts } from "./parts.ts";
import { bondsOf, plan, planHook } from "./writing.ts";

/** How many links a chain has at most. */
const MAX_LINKS = 1_000;

/** What a chain decides for its links. */
const IDLE: readonly (keyof EnqueueOptions)[] = ["id", "dedupe", "context"];

/**
 * Enqueues the first call, with all others planned behind it.
 *
 * @throws {TypeError} If an option is unknown, of the wrong type, or of no effect on a link.
 * @throws {RangeError} If there is no link, or there are more than 1,000.
 * @throws {PayloadError} If an input is refused, or all that is planned is over the limit of one payload. In all three nothing was sent.
 */
export async function chain<Output>(
  parts: QueueParts,
  calls: readonly Call[],
  options: ChainOptions,
  origin: Origin,
): Promise<Chain<Output>> {
  checkChain(calls, options);
  const id = options.id ?? await origin.defaultId?.(0, "chain") ??
    newId(parts.wall(), parts.random);
  const ids = await Promise.all(
    calls.map((_, index) => derivedId(id, 0, index, "link")),
  );
  const checked: CheckedCall[] = [];
  for (const [i, call] of calls.entries()) {
    checked.push(await passCheck(parts, call, ids[i]!));
  }
  checkLinks(checked);
  const { onFailure = "stop", onSettled, context = origin.context } = options;
  const hook = onSettled && await checkHook(parts, onSettled);
  const links = checked.slice(1).map((call, i) => {
    const id = ids[i + 1]!;
    return { id, plan: plan(parts, call, id) };
  });
  const bonds = bondsOf(parts, checked[0]!, ids[0]!, {
    id,
    goesOn: onFailure === "continue",
    links,
    end: hook && planHook(parts, hook, ids[0]!),
  });
  const isNew = options.id === undefined && origin.defaultId === undefined;
  const first = { call: checked[0]!, id: ids[0]!, bonds, isNew };
  await dispatch(parts, [first], { context, depth: origin.depth }, false);
  return chainOf(parts, { id, ids });
}

function checkChain(calls: readonly Call[], options: ChainOptions): void {
  checkCalls("chain()", calls);
  checkKnown("of chain()", options, [
    "id",
    "onFailure",
    "onSettled",
    "context",
  ]);
  const { id, onFailure = "stop", onSettled, context } = options;
  if (id !== undefined) checkName("id", id);
  if (onFailure !== "stop" && onFailure !== "continue") {
    throw new TypeError(
      `onFailure of chain() must be 'stop' or 'continue': current value is ${onFailure}`,
    );
  }
  checkHookShape("onSettled", onSettled);
  checkContext(context);
  if (calls.length === 0 || calls.length > MAX_LINKS) {
    throw new RangeError(
      `A chain has 1 to ${MAX_LINKS} links: this one has ${calls.length}`,
    );
  }
  checkLinks(calls);
}

function checkLinks(calls: readonly Pick<Call, "name" | "options">[]): void {
  calls.forEach(({ name, options }, i) => {
    const idle = i === 0 ? IDLE : [...IDLE, "maxBacklog" as const];
    checkEffect(`on a link of a chain, '${name}'`, options, idle);
  });
}
