/**
 * The queues of a consumer that is killed.
 *
 * @module
 */
import { defineTask } from "../../../src/core/task.ts";
import { UpstashBroker } from "../../../src/broker/upstash.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { connect } from "../../../src/upstash/mod.ts";

/** Takes a few milliseconds. */
export const work = defineTask<number>("work", { maxAttempts: 20 });

/** Three queues on one broker. */
export function openQueues(url: string, token: string): readonly Queue[] {
  const broker = new UpstashBroker(connect({ url, token }));
  return ["one", "two", "three"].map((name) =>
    new Queue({
      name,
      broker,
      handlers: [
        work.handle((n) =>
          new Promise<void>((resolve) => setTimeout(resolve, 2 + n % 9))
        ),
      ],
    })
  );
}
