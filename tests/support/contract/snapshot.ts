import type {
  Broker,
  GroupStanding,
  ListedState,
  ListedTask,
  TaskStanding,
  WorkflowBroker,
} from "../../../src/broker/broker.ts";

/** Everything that can be seen of a queue, but the time. */
export interface Snapshot {
  readonly lists: Readonly<Record<ListedState, readonly ListedTask[]>>;
  readonly standings: Readonly<Record<string, TaskStanding>>;
  readonly groups: Readonly<Record<string, GroupStanding>>;
  readonly stats: Readonly<Record<string, unknown>>;
}

/** Everything that can be seen of a queue. */
export async function look(
  broker: WorkflowBroker,
  queue: string,
  ids: Iterable<string>,
  groupIds: Iterable<string> = [],
): Promise<Snapshot> {
  const [ready, scheduled, leased, dead, counted, ...found] = await Promise.all(
    [
      walk(broker, queue, "ready"),
      walk(broker, queue, "scheduled"),
      walk(broker, queue, "leased"),
      walk(broker, queue, "dead"),
      broker.stats(queue),
      ...Array.from(
        ids,
        async (id) => [id, await broker.result(queue, id)] as const,
      ),
    ],
  );
  const groups = await Promise.all(Array.from(groupIds, async (id) => {
    const { commands: _, requests: __, ...group } = await broker.group(
      queue,
      id,
    );
    return [id, group] as const;
  }));
  const { commands: _, requests: __, now: ___, ...stats } = counted;
  const standings = found.map(([id, reply]) => {
    const { commands: _, requests: __, ...standing } = reply;
    return [id, standing] as const;
  });
  return {
    lists: { ready, scheduled, leased, dead },
    standings: Object.fromEntries(standings),
    groups: Object.fromEntries(groups),
    stats,
  };
}

/** All tasks in a state, over pages. */
export async function walk(
  broker: Broker,
  queue: string,
  state: ListedState,
  limit = 7,
): Promise<readonly ListedTask[]> {
  const tasks: ListedTask[] = [];
  let cursor: string | undefined;
  do {
    const page = await broker.list(queue, { state, limit, cursor });
    tasks.push(...page.tasks);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return tasks;
}

/** What `inspect` finds in the whole queue. */
export async function problems(
  broker: Broker,
  queue: string,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await broker.inspect(queue, { repair: false, cursor });
    found.push(...page.problems);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}
