import { checkKnown } from "../core/check.ts";
import type { Wake } from "../queue/wake/wake.ts";

/** What {@link publish} needs of an `@upstash/redis` client. */
export interface Publisher {
  /** Redis command PUBLISH; gives how many heard it. */
  publish(channel: string, message: string): Promise<number>;
}

/** Options of {@link publish}. */
export interface PublishOptions {
  /** What wakes where nobody listens, or the ring failed. @default {nothing: the task is left to the next ring, to a poll or to cron} */
  readonly fallback?: Wake;
}

/**
 * Rings for workers that listen, `queue.work({ listen: subscribe({ url, token }) })`: `new Queue({ …, wake: publish(redis) })`. A ring is one request of one command more.
 *
 * @param client An `@upstash/redis` client, or anything with its `publish`.
 * @throws {TypeError} If the client is none, or an option is unknown.
 */
export function publish(
  client: Publisher,
  options: PublishOptions = {},
): Wake {
  if (typeof client?.publish !== "function") {
    throw new TypeError(
      "publish() needs a Redis client with 'publish', such as new Redis({ url, token }) of @upstash/redis",
    );
  }
  checkKnown("of publish()", options, ["fallback"]);
  const { fallback } = options;
  return async (hint) => {
    try {
      const heard = await client.publish(channelOf(hint.queue), hint.mark);
      if (Number(heard) > 0) return;
    } catch (error) {
      if (fallback === undefined) throw withoutCommand(error);
    }
    await fallback?.(hint);
  };
}

/** Where the rings of a queue are heard. */
export function channelOf(queue: string): string {
  return `baton:1:${queue}:wake`;
}

/** The client puts the whole command into its errors: of them only the type is told. */
function withoutCommand(error: unknown): Error {
  const type = error instanceof Error ? error.name : typeof error;
  return new Error(`The ring could not be published: ${type}`);
}
