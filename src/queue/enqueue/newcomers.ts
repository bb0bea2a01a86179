import type { NewTask } from "../../broker/broker.ts";
import type { QueueParts } from "../parts.ts";

/** Tells of tasks that the broker has taken, those with the end of `parent` or by a call. */
export function announceEnqueued(
  { events, name: queue }: QueueParts,
  tasks: readonly Pick<NewTask, "id" | "name">[],
  parent?: string,
): void {
  for (const { id, name } of tasks) {
    events.emit("enqueued", () => ({
      queue,
      id,
      name,
      ...(parent === undefined ? {} : { parent }),
    }));
  }
}
