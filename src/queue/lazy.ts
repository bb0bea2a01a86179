import type { WorkflowBroker } from "../broker/broker.ts";

/** What every broker is asked. */
type Verb = typeof BROKER_VERBS[number];
type Verbs = Readonly<
  Record<Verb, (...call: never[]) => Promise<unknown>>
>;

/** The verbs that every broker has. */
export const BROKER_VERBS = [
  "enqueue",
  "step",
  "cancel",
  "result",
  "list",
  "stats",
  "pause",
  "purge",
  "redrive",
  "inspect",
  "group",
  "results",
  "forget",
  "schedule",
  "unschedule",
  "suspend",
  "schedules",
] as const satisfies readonly (keyof WorkflowBroker)[];

/**
 * A broker that is loaded with its first call: what it is made of is no part of a bundle that is split, nor of an isolate that never asks.
 * The broker is kept; the promise of it is not, for it may belong to one request.
 */
export function lazyBroker(
  type: string,
  make: () => Promise<WorkflowBroker>,
): WorkflowBroker {
  let broker: Verbs | undefined;
  const later = (verb: Verb) => async (...call: never[]) => {
    if (broker === undefined) {
      const made = await make();
      broker ??= made;
    }
    return await broker[verb](...call);
  };
  const verbs = Object.fromEntries(
    BROKER_VERBS.map((verb) => [verb, later(verb)]),
  );
  return { type, ...verbs as Pick<WorkflowBroker, Verb> };
}
