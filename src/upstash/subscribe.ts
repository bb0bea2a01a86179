import { checkKnown } from "../core/check.ts";
import { sleep, systemClock } from "../core/clock.ts";
import type { Listen, ListenFor } from "../queue/wake/listen.ts";
import { credentialsIn, type UpstashSource } from "./connect.ts";
import { channelOf } from "./publish.ts";

/** Options of {@link subscribe}. */
export interface SubscribeOptions {
  /** What sends. @default {the host's, looked up at each call} */
  readonly fetch?: (
    input: string | URL | Request,
    init?: RequestInit,
  ) => Promise<Response>;
}

/** The shortest and the longest pause before it connects anew, in milliseconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Hears the rings of `publish()`, over Upstash's Server-Sent Events: `queue.work({ listen: subscribe({ url, token }) })`. For hosts that stay: the connection is held open.
 * When it breaks, it is made anew, after 250 ms and then twice as long each time up to 30 s; meanwhile the worker polls.
 *
 * Redis command SUBSCRIBE, as `POST /subscribe/{channel}` of Upstash's REST API.
 *
 * @param source The environment, or `{ url, token }`.
 * @throws {TypeError} If the URL or the token is missing or cannot be one, where the message names the variable, never its value; if an option is unknown.
 */
export function subscribe(
  source: UpstashSource,
  options: SubscribeOptions = {},
): Listen {
  checkKnown("of subscribe()", options, ["fetch"]);
  const { url, token } = credentialsIn(source);
  return async (listener) => {
    const { queue, signal, connected, failed } = listener;
    const address = `${url.replace(/\/+$/, "")}/subscribe/${
      encodeURIComponent(channelOf(queue))
    }`;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const send = options.fetch ?? fetch;
        const response = await send(address, {
          method: "POST",
          signal,
          headers: {
            accept: "text/event-stream",
            authorization: `Bearer ${token}`,
          },
        });
        await hear(response, listener, () => void (failures = 0));
      } catch (error) {
        failures++;
        failed(withoutAddress(error));
      }
      connected(false);
      const pauseMs = FIRST_PAUSE_MS * 2 ** Math.min(failures, 10);
      await sleep(systemClock, Math.min(pauseMs, LONGEST_PAUSE_MS), signal);
    }
  };
}

/** Reads events until they end: `subscribe,channel,count`, then `message,channel,text` for each ring. */
async function hear(
  { ok, status, body }: Response,
  { connected, called }: ListenFor,
  subscribed: () => void,
): Promise<void> {
  if (!ok || body === null) {
    await body?.cancel();
    throw new SubscriptionError(`HTTP ${status}`);
  }
  let rest = "";
  let isMade = false;
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith("data: message,")) called();
      else if (line.startsWith("data: subscribe,")) {
        isMade = true;
        subscribed();
        connected(true);
      }
    }
  }
  if (!isMade) throw new SubscriptionError("the answer is no subscription");
}

/** The subscription to rings cannot be made, or broke. */
export class SubscriptionError extends Error {
  /** What it is called, also where names are minified. */
  override readonly name = "SubscriptionError";

  /** Says why. */
  constructor(why: string) {
    super(`Cannot listen for rings: ${why}; the worker polls meanwhile`);
  }
}

/** Errors of the network name the URL: of them only the type is told. */
function withoutAddress(error: unknown): Error {
  if (error instanceof SubscriptionError) return error;
  return new SubscriptionError(error instanceof Error ? error.name : "unknown");
}
