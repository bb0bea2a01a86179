/** A broker that writes down what it is asked, for tests of those who ask. */
import { Queue, type QueueOptions } from "../../mod.ts";
import { instead as withVerbs } from "../../src/broker/instead.ts";
import { MemoryBroker } from "../../src/broker/memory.ts";
import type {
  EnqueueRequest,
  NewTask,
  WorkflowBroker,
} from "../../src/broker/broker.ts";

/** A queue, and what it asked of its broker: of the one in the options, else of one in memory. */
export function make(
  options: Partial<QueueOptions> = {},
): { readonly queue: Queue; readonly broker: RecordingBroker } {
  const broker = recording(options.broker ?? new MemoryBroker());
  return { queue: new Queue({ ...options, broker }), broker };
}

/** A request, by its verb. */
export interface Asked {
  readonly verb: string;
  readonly request: unknown;
}

/** A broker with a memory for questions. */
export interface RecordingBroker extends WorkflowBroker {
  /** Every request so far. */
  readonly asked: readonly Asked[];
  /** The requests of one verb. */
  of<Request>(verb: keyof WorkflowBroker): readonly Request[];
  /** Every task that was sent, in order. */
  readonly sent: readonly NewTask[];
}

/** Hands everything on to `broker`, and remembers it; what `instead` has is answered by that. */
export function recording(
  broker: WorkflowBroker,
  instead: Partial<WorkflowBroker> = {},
): RecordingBroker {
  const asked: Asked[] = [];
  const note = (verb: string, request: unknown): WorkflowBroker => {
    asked.push({ verb, request });
    return withVerbs(broker, instead);
  };
  const of = <Request>(verb: keyof WorkflowBroker) =>
    asked.filter((one) => one.verb === verb)
      .map((one) => one.request as Request);
  return {
    type: broker.type,
    asked,
    of,
    get sent() {
      return of<EnqueueRequest>("enqueue").flatMap(({ tasks }) => tasks);
    },
    enqueue: (queue, request) =>
      note("enqueue", request).enqueue(queue, request),
    step: (queue, request) => note("step", request).step(queue, request),
    cancel: (queue, request) => note("cancel", request).cancel(queue, request),
    result: (queue, id) => note("result", id).result(queue, id),
    list: (queue, request) => note("list", request).list(queue, request),
    stats: (queue) => note("stats", undefined).stats(queue),
    pause: (queue, request) => note("pause", request).pause(queue, request),
    purge: (queue, request) => note("purge", request).purge(queue, request),
    redrive: (queue, request) =>
      note("redrive", request).redrive(queue, request),
    inspect: (queue, request) =>
      note("inspect", request).inspect(queue, request),
    group: (queue, id) => note("group", id).group(queue, id),
    results: (queue, request) =>
      note("results", request).results(queue, request),
    forget: (queue, request) => note("forget", request).forget(queue, request),
    schedule: (queue, request) =>
      note("schedule", request).schedule(queue, request),
    unschedule: (queue, request) =>
      note("unschedule", request).unschedule(queue, request),
    suspend: (queue, request) =>
      note("suspend", request).suspend(queue, request),
    schedules: (queue, request) =>
      note("schedules", request).schedules(queue, request),
  };
}
