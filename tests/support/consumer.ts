/** The parts of a queue for tests of its consumer's side: a memory broker that writes down its requests, a clock that stands still, and no telemetry. */
import { ROOT_CONTEXT } from "@opentelemetry/api";
import type {
  Settlement,
  StepReply,
  StepRequest,
  WorkflowBroker,
} from "../../src/broker/broker.ts";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { systemRandom } from "../../src/core/id.ts";
import type { Call, Handler } from "../../src/core/task.ts";
import { enqueue } from "../../src/queue/enqueue/enqueue.ts";
import { Events } from "../../src/queue/events.ts";
import type { QueueLimits, QueueParts } from "../../src/queue/parts.ts";
import { ManualClock } from "./manual_clock.ts";
import { recording, type RecordingBroker } from "./recording_broker.ts";
import {
  type SilentInstrument,
  silentInstrument,
} from "./silent_instrument.ts";

/** A queue's parts, with what a test looks at. */
export interface Bench {
  readonly parts: QueueParts;
  readonly clock: ManualClock;
  readonly broker: RecordingBroker;
  readonly instrument: SilentInstrument;
  /** The steps so far. */
  readonly steps: readonly StepRequest[];
  /** The settlements so far. */
  readonly settlements: readonly Settlement[];
  /** Adds tasks, each with an id of its own unless it has one. */
  enqueue(...calls: readonly Call[]): Promise<readonly string[]>;
  /** Moves the clock from timer to timer until `promise` is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/** How a bench differs. */
export interface BenchOptions {
  readonly handlers?: readonly Handler[];
  readonly limits?: Partial<QueueLimits>;
  /** By how much the consumer's clock is ahead of the broker's. */
  readonly aheadMs?: number;
  /** Answers steps instead of the memory broker. */
  readonly step?: (
    request: StepRequest,
    ask: (request: StepRequest) => Promise<StepReply>,
  ) => Promise<StepReply>;
}

/** Makes one. */
export function bench(options: BenchOptions = {}): Bench {
  const { handlers = [], limits = {}, aheadMs = 0, step } = options;
  const clock = new ManualClock();
  const memory: WorkflowBroker = new MemoryBroker({
    clock: { now: () => clock.now() - aheadMs },
  });
  const broker = recording(
    memory,
    step === undefined ? {} : {
      step: (queue, request) =>
        step(request, (again) => memory.step(queue, again)),
    },
  );
  const instrument = silentInstrument();
  const parts: QueueParts = {
    wall: () => clock.now(),
    name: "tested",
    broker,
    clock,
    random: systemRandom,
    handlers: new Map(handlers.map((handler) => [handler.name, handler])),
    instrument,
    redact: (error) => error,
    events: new Events(() => {}),
    middleware: [],
    report: undefined,
    waker: undefined,
    isConsumer: handlers.length > 0,
    rate: undefined,
    limits: {
      maxPayloadBytes: 262_144,
      maxResultBytes: 1_000,
      maxBacklog: 500_000,
      idTtlMs: 3_600_000,
      ...limits,
    },
  };
  return {
    parts,
    clock,
    broker,
    instrument,
    get steps() {
      return broker.of<StepRequest>("step");
    },
    get settlements() {
      return this.steps.flatMap(({ settle }) => settle);
    },
    async enqueue(...calls) {
      const origin = {
        context: ROOT_CONTEXT,
        depth: 0,
        defaultId: undefined,
      };
      const added = await enqueue(parts, calls, origin);
      return added.map(({ id }) => id);
    },
    async until(promise) {
      let isSettled = false;
      const settle = () => void (isSettled = true);
      promise.then(settle, settle);
      await clock.advance(0);
      for (let i = 0; i < 2_000 && !isSettled; i++) {
        await clock.advance(clock.pending > 0 ? clock.nextInMs : 0);
      }
      if (!isSettled) throw new Error("It is not settled after all this time");
      return await promise;
    },
  };
}

/** A promise to be settled by hand. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** `count` calls of the same kind. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
