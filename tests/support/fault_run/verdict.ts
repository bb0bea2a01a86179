import { assert, assertEquals } from "@std/assert";
import type { TaskStanding, WorkflowBroker } from "../../../mod.ts";
import type { Witness } from "./witness.ts";

/** Where many tasks stand, in order, in few requests. */
export async function standingsOf(
  broker: WorkflowBroker,
  queue: string,
  ids: readonly string[],
): Promise<readonly TaskStanding[]> {
  const standings: TaskStanding[] = [];
  while (standings.length < ids.length) {
    const page = ids.slice(standings.length, standings.length + 500);
    const request = { ids: page, maxBytes: 4_000_000 };
    standings.push(...(await broker.results(queue, request)).standings);
  }
  return standings;
}

/** All of them have completed, each by one settlement; says of how many the database's log shows none. */
export async function completedOnce(
  broker: WorkflowBroker,
  queue: string,
  ids: readonly string[],
  { claims, endings }: Witness,
): Promise<number> {
  const standings = await standingsOf(broker, queue, ids);
  let unseen = 0;
  for (const [i, id] of ids.entries()) {
    assertEquals(standings[i]!.status, "completed", id);
    const member = memberOf(id);
    const ended = endings.get(member) ?? 0;
    assert(ended <= 1, `${id}: ${ended} accepted settlements`);
    assert(claims.has(member), `${id} was never claimed`);
    if (ended === 0) unseen++;
  }
  return unseen;
}

/** A task's id as the database has it. */
export function memberOf(id: string): string {
  return id.startsWith("~") ? id : `.${id}`;
}
