import { MAX_HOPS } from "../../codec/hops.ts";
import { checkInteger, checkKnown } from "../../core/check.ts";
import { imported } from "../../core/imported.ts";
import type { Wake, WakeHint } from "./wake.ts";

/** Options of {@link ring}. */
export interface RingOptions {
  /** The drain route, as `https://tasks.example/drain`: what `consumer(queue, { secret })` of `@baton/queue/hono` serves. */
  readonly url: string;
  /** What both sides know; the ring is signed with it and does not hold it. */
  readonly secret: string;
  /** What sends: a Cloudflare service binding's `(...call) => env.TASKS.fetch(...call)`, or a traced one. @default {the host's, looked up at each call} */
  readonly fetch?: (
    input: string | URL | Request,
    init?: RequestInit,
  ) => Promise<Response>;
  /** How long the route has to answer that it heard, in milliseconds. @default {10000} */
  readonly timeoutMs?: number;
  /** Whether the route is to answer only when its drain is over, for hosts that end an invocation with its answer; `timeoutMs` then covers the whole drain. @default {false} */
  readonly waits?: boolean;
  /** What is called instead when the ring fails, such as `inline()`. @default {nothing: the task is left to the next ring or to cron} */
  readonly fallback?: Wake;
}

/**
 * Rings for a consumer at a drain route: `new Queue({ …, wake: ring({ url, secret }) })`.
 *
 * A ring is signed, by HMAC with SHA-256 over the queue, the broker's mark, the time, the hop and the route's path; it holds for 60 s and is good once.
 * It never delays or fails the enqueue. A ring that fails, because of the network, a time-out or a host that refuses to call itself (Deno Deploy's 508, Cloudflare's 1042 and 1019), is reported, and its task is left to `fallback`, the next ring or cron.
 * A chain of rings that led from one to the next ends after eight.
 *
 * @throws {TypeError} If an option is unknown or of another type, the URL is none, or the secret is empty.
 * @throws {RangeError} If `timeoutMs` is out of its range.
 */
export function ring(options: RingOptions): Wake {
  checkKnown("of ring()", options, KNOWN);
  const { url, secret, timeoutMs = 10_000, waits = false, fallback } = options;
  const path = pathOf("ring()", url);
  if (typeof secret !== "string" || secret === "") {
    throw new TypeError(
      "ring() has an empty secret: set the variable that holds it",
    );
  }
  checkInteger("timeoutMs", timeoutMs, 1, 2 ** 31 - 1);

  async function send({ queue, mark, hop, from }: WakeHint): Promise<void> {
    const { RING_HEADER, signRing } = await imported(() =>
      import("../../codec/ring.ts")
    );
    const { post } = await imported(() => import("./posting.ts"));
    const told = { queue, mark, hop, at: Date.now() };
    const { body, signature } = await signRing(secret, path, told);
    const isAwaited = waits && from === "producer";
    await post(options, timeoutMs, url, {
      body,
      headers: {
        "content-type": "application/json",
        [RING_HEADER]: signature,
        ...(isAwaited && { prefer: "wait" }),
      },
    });
  }

  const wake: Wake = async (hint) => {
    if (hint.hop > MAX_HOPS) return;
    try {
      await send(hint);
    } catch (error) {
      if (fallback === undefined) throw error;
      await fallback(hint);
    }
  };
  return wake;
}

/** The path of an absolute URL. */
export function pathOf(whose: string, url: unknown): string {
  const { protocol, pathname } = URL.parse(String(url)) ?? {};
  if (pathname !== undefined && /^https?:$/.test(protocol ?? "")) {
    return pathname;
  }
  throw new TypeError(
    `${whose} needs the whole 'url' of a drain route, such as https://tasks.example/drain`,
  );
}

const KNOWN: readonly (keyof RingOptions)[] = [
  "url",
  "secret",
  "fetch",
  "timeoutMs",
  "waits",
  "fallback",
];
