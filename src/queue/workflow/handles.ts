import type { Chain, ChainRef } from "../../core/chain.ts";
import { checkName } from "../../core/check.ts";
import type { Group } from "../../core/group.ts";
import { imported } from "../../core/imported.ts";
import type { QueueParts } from "../parts.ts";

/**
 * The group of this id, whose code is loaded when one of its functions is called; nothing is asked before.
 *
 * @throws {TypeError} If the id is no string.
 * @throws {RangeError} If it is none that a group can have.
 */
export function groupOf<Output>(parts: QueueParts, id: string): Group<Output> {
  checkName("group", id);
  const load = async (): Promise<Group<Output>> => {
    const { groupOf } = await imported(() => import("./group.ts"));
    return groupOf(parts, id);
  };
  return {
    id,
    counts: async () => await (await load()).counts(),
    wait: async (options) => await (await load()).wait(options),
    results: async (options) => await (await load()).results(options),
    cancel: async () => await (await load()).cancel(),
    delete: async () => await (await load()).delete(),
  };
}

/**
 * The handle of a chain that was enqueued before, here or elsewhere; its code is loaded when one of its functions is called.
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
  const load = async (): Promise<Chain<Output>> => {
    const { chainOf } = await imported(() => import("./chained.ts"));
    return chainOf(parts, { id, ids });
  };
  return {
    id,
    ids,
    result: async (options) => await (await load()).result(options),
    counts: async () => await (await load()).counts(),
    cancel: async () => await (await load()).cancel(),
    delete: async () => await (await load()).delete(),
  };
}
