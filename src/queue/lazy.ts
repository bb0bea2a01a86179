import type { WorkflowBroker } from "../broker/broker.ts";

/**
 * A broker that is loaded with its first call: what it is made of is no part of a bundle that is split, nor of an isolate that never asks.
 * The broker is kept; the promise of it is not, for it may belong to one request.
 */
export function lazyBroker(
  type: string,
  make: () => Promise<WorkflowBroker>,
): WorkflowBroker {
  let broker: WorkflowBroker | undefined;
  const load = async (): Promise<WorkflowBroker> => {
    if (broker !== undefined) return broker;
    const made = await make();
    return broker ??= made;
  };
  return {
    type,
    enqueue: async (...call) => (await load()).enqueue(...call),
    step: async (...call) => (await load()).step(...call),
    cancel: async (...call) => (await load()).cancel(...call),
    result: async (...call) => (await load()).result(...call),
    list: async (...call) => (await load()).list(...call),
    stats: async (...call) => (await load()).stats(...call),
    pause: async (...call) => (await load()).pause(...call),
    purge: async (...call) => (await load()).purge(...call),
    redrive: async (...call) => (await load()).redrive(...call),
    inspect: async (...call) => (await load()).inspect(...call),
    group: async (...call) => (await load()).group(...call),
    results: async (...call) => (await load()).results(...call),
    forget: async (...call) => (await load()).forget(...call),
    schedule: async (...call) => (await load()).schedule(...call),
    unschedule: async (...call) => (await load()).unschedule(...call),
    suspend: async (...call) => (await load()).suspend(...call),
    schedules: async (...call) => (await load()).schedules(...call),
  };
}
