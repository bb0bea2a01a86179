import type { Context } from "@opentelemetry/api";
import { imported } from "../core/imported.ts";
import type {
  ConsumerDrainReport,
  ConsumerReport,
} from "./consume/consumer_report.ts";
import type { Around } from "./consume/consuming.ts";
import { startLater } from "./consume/starting.ts";
import { type Consumed, consumedOf, type ConsumerOptions } from "./consumed.ts";
import type { ConsumerLimits } from "./consumer_options.ts";
import { drainLimits, type DrainOptions } from "./drain_options.ts";
import { keepQueues } from "./kept_parts.ts";
import { workLimits, type WorkOptions } from "./work_options.ts";
import type { Worker } from "./worker.ts";

/**
 * Consumes several queues together: those on one broker share its requests, and all of them share `concurrency` and `batchSize`, by weight.
 * A queue that has nothing to do lends its share to the others, and none that has work starves. For a queue that goes before the others, give it a weight a hundred times theirs.
 * Making one does no I/O and takes no time or randomness.
 *
 * @example Three queues, looked after by one cron trigger
 * ```ts
 * import { Consumer, Queue, UpstashBroker } from "@baton/queue";
 * import { Redis } from "@upstash/redis";
 *
 * const broker = new UpstashBroker(Redis.fromEnv());
 * const mail = new Queue({ name: "mail", broker });
 * const images = new Queue({ name: "images", broker });
 * const reports = new Queue({ name: "reports", broker });
 *
 * const consumer = new Consumer({
 *   queues: [{ queue: mail, weight: 5 }, { queue: images }, { queue: reports }],
 * });
 * const { completed, queues } = await consumer.drain();
 * console.log(completed, queues.map(({ queue, completed }) => [queue, completed]));
 * ```
 */
export class Consumer {
  readonly #consumed: readonly Consumed[];

  /**
   * Makes a consumer.
   *
   * @throws {TypeError} If there are no queues, or something is of another type or unknown.
   * @throws {RangeError} If a weight is out of its range, or a queue is given twice.
   */
  constructor(options: ConsumerOptions) {
    this.#consumed = consumedOf(options);
    keepQueues(this, options.queues.map(({ queue }) => queue));
  }

  /**
   * As `queue.drain()`, of all queues: returns when none has anything left that is due, or the budget is spent.
   * The options are those of all together. Each queue has a `drain` span of its own; queues with the same telemetry send theirs at once.
   *
   * @throws {TypeError} If an option is unknown or of another type.
   * @throws {RangeError} If an option is out of its range, or `batchSize` is less than the number of queues, or `maxRequests` not more than that.
   * @throws {QueuesFailedError} If the broker failed steps of one or more queues. The others were drained, and its `report` says what they did.
   */
  async drain(options: DrainOptions = {}): Promise<ConsumerDrainReport> {
    const limits = this.#roomy(drainLimits(options, "of consumer.drain()"));
    const { signal, context } = options;
    this.#checkRequests(limits.maxRequests);
    if (options.rung !== undefined) {
      throw new TypeError(
        "The option 'rung' has no effect in consumer.drain(): a ring is for one queue, whose own drain() answers it",
      );
    }
    const all = this.#within(context);
    const { drainAll } = await imported(() => import("./consume/consuming.ts"));
    return await drainAll(all, limits, signal);
  }

  /**
   * As `queue.work()`, of all queues. One that can never be worked stops alone, which `onError` hears of; when all have stopped, `done` then rejects with a {@linkcode QueuesFailedError}.
   *
   * @throws {TypeError} If an option is unknown or of another type.
   * @throws {RangeError} If an option is out of its range, or `batchSize` is less than the number of queues.
   */
  work(options: WorkOptions = {}): Worker<ConsumerReport> {
    const limits = this.#roomy(workLimits(options, "of consumer.work()"));
    const all = this.#within(options.context);
    return startLater(options, async (signal) => {
      const { load, workAll } = await imported(() =>
        import("./consume/consuming.ts")
      );
      await load(all);
      return { done: workAll(all, limits, signal, options) };
    });
  }

  /** The queues, each in the context that is given or else its current one. */
  #within(context: Context | undefined): readonly Around[] {
    return this.#consumed.map((one) => ({
      ...one,
      context: context ?? one.parts.instrument.activeContext(),
    }));
  }

  /** Every queue needs room for one task at least. */
  #roomy<Limits extends ConsumerLimits>(limits: Limits): Limits {
    const { length } = this.#consumed;
    if (limits.batchSize >= length) return limits;
    throw new RangeError(
      `batchSize must be at least the number of a Consumer's queues: ${limits.batchSize} is less than ${length}`,
    );
  }

  /** Every queue needs a request to settle with. */
  #checkRequests(maxRequests: number): void {
    const { length } = this.#consumed;
    if (maxRequests > length) return;
    throw new RangeError(
      `maxRequests must be more than the number of a Consumer's queues, each of which may need one to settle: ${maxRequests} for ${length}`,
    );
  }
}
