import type { Delivery } from "../../broker/broker.ts";
import { imported } from "../../core/imported.ts";
import type { Handler } from "../../core/task.ts";
import type { AttemptEnd, AttemptSource } from "../attempt/attempt.ts";

/** What Baton itself does with a task of its own. */
export type Control = (
  source: AttemptSource,
  signal: AbortSignal,
) => Promise<AttemptEnd>;

/** The task that sends the elements of a link. It does no work of its own, so what fails is the broker: it comes again for hours. */
export const FORK = "baton.fork";
/** The task that gathers what came of the elements of a link: their group's callback, and its id is the group's. */
export const JOIN = "baton.join";

const CONTROLS: ReadonlyMap<string, Control> = new Map<string, Control>([
  [FORK, async (source, signal) => {
    const { fork } = await imported(() => import("./fork.ts"));
    return await fork(source, signal);
  }],
  [JOIN, async (source) => {
    const { join } = await imported(() => import("./join.ts"));
    return await join(source);
  }],
]);

/** The handlers that every queue has: of tasks that a chain makes. */
export const CONTROL_HANDLERS: readonly Handler[] = [...CONTROLS.keys()].map(
  (name) => ({
    name,
    schema: undefined,
    run() {
      throw new TypeError(
        `Task '${name}' is Baton's own: pass mapOf() or groupOf() to chain()`,
      );
    },
  }),
);

/** What Baton does with a task of this name, where it is its own. */
export function controlOf(name: string): Control | undefined {
  return CONTROLS.get(name);
}

/** A delivery as it is judged: what joins a group has to look whether there is anything to cancel. */
export function judged(delivery: Delivery): Delivery {
  return delivery.name === JOIN ? { ...delivery, cancelled: false } : delivery;
}
