import type { WorkflowBroker } from "./broker.ts";

/** The broker, but for a verb or more. */
export function instead(
  broker: WorkflowBroker,
  verbs: Partial<WorkflowBroker>,
): WorkflowBroker {
  return {
    type: broker.type,
    enqueue: (...call) => broker.enqueue(...call),
    step: (...call) => broker.step(...call),
    cancel: (...call) => broker.cancel(...call),
    result: (...call) => broker.result(...call),
    list: (...call) => broker.list(...call),
    stats: (...call) => broker.stats(...call),
    pause: (...call) => broker.pause(...call),
    purge: (...call) => broker.purge(...call),
    redrive: (...call) => broker.redrive(...call),
    inspect: (...call) => broker.inspect(...call),
    group: (...call) => broker.group(...call),
    results: (...call) => broker.results(...call),
    forget: (...call) => broker.forget(...call),
    schedule: (...call) => broker.schedule(...call),
    unschedule: (...call) => broker.unschedule(...call),
    suspend: (...call) => broker.suspend(...call),
    schedules: (...call) => broker.schedules(...call),
    ...verbs,
  };
}
