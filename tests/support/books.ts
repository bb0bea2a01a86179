import type { Broker, Problem } from "../../src/broker/broker.ts";

/** What a whole inspection found. */
export interface Inspected {
  readonly checked: number;
  readonly problems: readonly Problem[];
}

/** Walks all the books of a queue. */
export async function inspectAll(
  broker: Broker,
  queue: string,
  repair: boolean = false,
): Promise<Inspected> {
  const problems: Problem[] = [];
  let checked = 0, cursor: string | undefined;
  do {
    const page = await broker.inspect(queue, { repair, cursor });
    problems.push(...page.problems);
    checked += page.checked;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { checked, problems };
}
