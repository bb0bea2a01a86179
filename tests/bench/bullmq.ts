/** BullMQ, as far as the benchmarks use it. It is pinned under tests/tools; Deno runs it as it is. */
import { required } from "../support/tools.ts";

/** Its queue: the producer's half. */
export interface BullQueue {
  add(name: string, data: unknown, options?: BullOptions): Promise<unknown>;
  addBulk(
    jobs: readonly {
      readonly name: string;
      readonly data: unknown;
      readonly opts?: BullOptions;
    }[],
  ): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

/** How it is told what Baton's options say. */
export interface BullOptions {
  readonly jobId?: string;
  readonly delay?: number;
  readonly priority?: number;
  readonly deduplication?: { readonly id: string; readonly ttl?: number };
}

/** Its consumer. */
interface BullWorker {
  run(): Promise<void>;
  on(event: "completed", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

interface Module {
  readonly Queue: new (name: string, options: object) => BullQueue;
  readonly Worker: new (
    name: string,
    handler: () => Promise<unknown>,
    options: object,
  ) => BullWorker;
}

interface Client {
  readonly prototype: {
    sendCommand(
      command: { readonly name: string },
      ...rest: unknown[]
    ): unknown;
  };
}

/** A worker that is connected and does nothing yet. */
export interface ReadyWorker extends AsyncDisposable {
  /** Works until so many are completed. */
  complete(count: number): Promise<void>;
  /** Works, or waits for work, for so long. */
  watch(ms: number): Promise<void>;
}

/** BullMQ on one Redis. */
export interface Bull {
  /** How many commands its clients have sent so far, pipelined ones singly, those of connecting left out. */
  sent(): number;
  /** A connected queue. The caller closes it. */
  queue(name: string): Promise<BullQueue>;
  /** A connected worker with BullMQ's own settings: results are kept, as Baton keeps them. */
  worker(
    name: string,
    handler: () => Promise<unknown>,
    concurrency: number,
  ): Promise<ReadyWorker>;
}

const OF_CONNECTING = /^(info|client|select|auth|hello|quit|subscribe)$/i;

/** Loads BullMQ. Throws when the tools are not installed. */
export function openBull(port: number): Bull {
  const { Queue, Worker } = required<Module>("bullmq");
  const client = required<Client>("ioredis").prototype;
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  let sent = 0;

  const send = client.sendCommand;
  client.sendCommand = function (command, ...rest) {
    if (!OF_CONNECTING.test(command.name)) sent++;
    return send.call(this, command, ...rest);
  };

  return {
    sent: () => sent,
    async queue(name) {
      const queue = new Queue(name, { connection });
      await queue.waitUntilReady();
      return queue;
    },
    async worker(name, handler, concurrency) {
      const worker = new Worker(name, handler, {
        connection,
        concurrency,
        autorun: false,
      });
      const failed = Promise.withResolvers<never>();
      worker.on("error", failed.reject);
      await worker.waitUntilReady();
      let running: Promise<void> | undefined;
      const run = () => running ??= worker.run();
      return {
        async complete(count) {
          const { promise, resolve } = Promise.withResolvers<void>();
          let completed = 0;
          worker.on("completed", () => {
            if (++completed === count) resolve();
          });
          void run();
          await Promise.race([promise, failed.promise]);
        },
        async watch(ms) {
          void run();
          const over = new Promise((resolve) => setTimeout(resolve, ms));
          await Promise.race([over, failed.promise]);
        },
        async [Symbol.asyncDispose]() {
          await worker.close();
          await running;
        },
      };
    },
  };
}
