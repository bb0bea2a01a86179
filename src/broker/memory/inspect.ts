import type { Counted, InspectReply, Problem } from "../broker.ts";
import type { Books, Ended, Entry, Live } from "./books.ts";
import type { Sorted } from "./sorted.ts";

/** Holds every task against its line and every line against its tasks, all in one page. */
export function inspect(
  books: Books,
  repair: boolean,
): Omit<InspectReply, keyof Counted> {
  const { tasks, lines, ended, groups } = books;
  const problems: Problem[] = [];
  const found = (kind: Problem["kind"], id: string, cure: () => void): void => {
    problems.push({ kind, id });
    if (repair) cure();
  };
  let checked = tasks.size;
  for (const task of [...tasks.values()]) {
    if (task.state === "ended") {
      if (!ended.has(task)) {
        found("unswept", task.id, () => ended.add(task));
      }
    } else if (task.state === "waiting") {
      const waits = [...groups.byId.values()].some((group) =>
        group.callback === task.id && !group.closed
      );
      if (!waits) found("orphan", task.id, () => tasks.delete(task.id));
    } else if (typeof task.turn === "object") {
      const { lane, turn } = task;
      if (lane?.waiting.has(turn) !== true) {
        found("unindexed", task.id, () => lane?.waiting.add(turn));
      }
    } else if (task.parked !== undefined) {
      const { name, parked } = task;
      const aside = books.parked.get(name);
      if (aside?.has(parked) !== true) {
        found("unindexed", task.id, () => aside?.add(parked));
      }
    } else if (!lines[task.state].has(task)) {
      found("unindexed", task.id, () => lines[task.state].add(task));
    }
  }
  const check = <T extends Live | Ended>(name: string, line: Sorted<T>) => {
    checked += line.size;
    for (const entry of line.range({ limit: Infinity })) {
      const task: Entry | undefined = tasks.get(entry.id);
      const kind = task !== entry ? "ghost" : "doubled";
      if (task === entry && task.state === name) continue;
      found(kind, entry.id, () => line.remove(entry));
    }
  };
  for (const [name, line] of Object.entries(lines)) check(name, line);
  check("ended", ended);
  return { checked, problems, cursor: undefined };
}
