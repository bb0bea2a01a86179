import type { Inputs } from "../../core/group.ts";
import { MAX_TASKS } from "../enqueue/chunk.ts";

/** How long the inputs of one block are in all, in characters, unless one alone is longer: what is read is held until it is sent. */
const MAX_LENGTH = 8_000_000;

/** Members of a group that are sent together. */
export interface Block<Item> {
  /** The number of the first. */
  readonly from: number;
  readonly calls: readonly Item[];
  /** Whether no other follows. */
  readonly isLast: boolean;
}

/** What is read, in blocks of which none spans two shards; at least one, which may be empty. */
export async function* blocksOf<
  Item extends { readonly input: string | undefined },
>(
  items: Inputs<Item>,
): AsyncGenerator<Block<Item>, void, void> {
  let from = 0;
  let calls: Item[] = [];
  let length = 0;
  for await (const item of items) {
    const more = item.input?.length ?? 0;
    const index = from + calls.length;
    const isFull = index % MAX_TASKS === 0 || length + more > MAX_LENGTH;
    if (isFull && calls.length > 0) {
      yield { from, calls, isLast: false };
      from = index;
      calls = [];
      length = 0;
    }
    calls.push(item);
    length += more;
  }
  yield { from, calls, isLast: true };
}
