import type { StepRequest } from "../broker.ts";
import { type Books, end } from "./books.ts";

/** Counts the results of those that were completed now, but for members of groups, whose group wants them. */
export function countResults(
  { results, tasks }: Books,
  { keepResults, settle }: StepRequest,
  stale: readonly string[],
  now: number,
): void {
  if (keepResults === undefined) return;
  for (const { id, group, end } of settle) {
    const isKept = end.kind === "complete" && end.payload !== undefined &&
      end.resultMs > 0 && group === undefined && !stale.includes(id);
    if (isKept && tasks.get(id)?.state === "ended") {
      results.add({ id, score: now });
    }
  }
}

/** Drops the oldest results that are too many; their tasks stay remembered. */
export function dropResults(books: Books, keep: number): void {
  const { results, tasks } = books;
  const limit = Math.max(0, results.size - keep);
  for (const old of results.range({ limit })) {
    results.remove(old);
    const task = tasks.get(old.id);
    if (task?.state === "ended" && task.standing.endedAt === old.score) {
      end(books, { ...task, payloadUntil: 0 });
    }
  }
}
