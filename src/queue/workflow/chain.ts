import type { Chain, ChainOptions } from "../../core/chain.ts";
import {
  checkContext,
  checkEffect,
  checkHookShape,
  checkKnown,
  checkName,
} from "../../core/check.ts";
import {
  derivedId,
  forkOfLink,
  groupLinkId,
  isGroupLinkId,
  newId,
} from "../../core/id.ts";
import {
  type ChainLink,
  type GroupLink,
  isGroupLink,
} from "../../core/link.ts";
import type { EnqueueOptions } from "../../core/options.ts";
import { checkCalls, type CheckedCall, checkHook } from "../enqueue/calls.ts";
import { dispatch, type Origin } from "../enqueue/enqueue.ts";
import { passCheck } from "../enqueue/passing.ts";
import { bondsOf, plan, planHook } from "../enqueue/writing.ts";
import type { QueueParts } from "../parts.ts";
import { checkFork } from "./fork.ts";
import { chainOf } from "./handles.ts";

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
  calls: readonly ChainLink[],
  options: ChainOptions,
  origin: Origin,
): Promise<Chain<Output>> {
  checkChain(calls, options);
  const { onFailure = "stop", onSettled, context = origin.context } = options;
  const goesOn = onFailure === "continue";
  const id = options.id ?? await origin.defaultId?.(0, "chain") ??
    newId(parts.wall(), parts.random);
  const ids = await Promise.all(
    calls.map(async (call, index) => {
      const link = await derivedId(id, 0, index, "link");
      return isGroupLink(call) ? groupLinkId(link) : link;
    }),
  );
  const tasks = ids.map((id) => isGroupLinkId(id) ? forkOfLink(id) : id);
  const checked: CheckedCall[] = [];
  for (const [i, call] of calls.entries()) {
    checked.push(
      isGroupLink(call)
        ? await checkFork(parts, call, goesOn)
        : await passCheck(parts, call, ids[i]!),
    );
  }
  checkLinks(checked);
  const hook = onSettled && await checkHook(parts, onSettled);
  const links = checked.slice(1).map((call, i) => {
    const id = tasks[i + 1]!;
    return { id, plan: plan(parts, call, id) };
  });
  const bonds = bondsOf(parts, checked[0]!, tasks[0]!, {
    id,
    goesOn,
    links,
    end: hook && planHook(parts, hook, tasks[0]!),
  });
  const isNew = options.id === undefined && origin.defaultId === undefined;
  const first = { call: checked[0]!, id: tasks[0]!, bonds, isNew };
  await dispatch(parts, [first], { context, depth: origin.depth }, false);
  return chainOf(parts, { id, ids });
}

function checkChain(
  calls: readonly ChainLink[],
  options: ChainOptions,
): void {
  checkCalls("chain()", calls, isGroupLink);
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
  const [first] = calls;
  if (isGroupLink(first) && isUnknown(first)) {
    throw new TypeError(
      "The first link of a chain has none before it: give mapOf() its inputs",
    );
  }
  checkLinks(calls);
}

/** Whether its elements are what the link before will have returned. */
function isUnknown({ elements }: GroupLink): boolean {
  return elements.kind === "map" && elements.inputs === undefined;
}

function checkLinks(links: readonly (ChainLink | CheckedCall)[]): void {
  links.forEach((link, i) => {
    if (isGroupLink(link)) return;
    const { name, options } = link;
    const idle = i === 0 ? IDLE : [...IDLE, "maxBacklog" as const];
    checkEffect(`on a link of a chain, '${name}'`, options, idle);
  });
}
