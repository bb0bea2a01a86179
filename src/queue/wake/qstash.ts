import { MAX_HOPS } from "../../codec/hops.ts";
import { checkInteger, checkKnown } from "../../core/check.ts";
import { imported } from "../../core/imported.ts";
import { pathOf, type RingOptions } from "./ring.ts";
import type { Wake } from "./wake.ts";

/** Options of {@link qstash}. */
export interface QStashOptions
  extends Pick<RingOptions, "fetch" | "timeoutMs" | "fallback"> {
  /** QStash's token. */
  readonly token: string;
  /** The drain route, as `https://tasks.example/drain`: what `consumer(queue, { qstash })` of `@baton/queue/hono` serves. */
  readonly destination: string;
  /** Where QStash is. @default {"https://qstash.upstash.io"} */
  readonly url?: string;
  /** How often QStash repeats a ring that the route did not answer, 0 … 100. @default {QStash's own} */
  readonly retries?: number;
}

/**
 * Rings through Upstash QStash, which calls the drain route, and calls again where it does not answer: `new Queue({ …, wake: qstash({ token, destination }) })`. For hosts that refuse to call themselves.
 * Each ring is a message of its own, deduplicated by the broker's mark.
 *
 * Written against QStash's documentation (`POST /v2/publish/{destination}`, headers `Upstash-Deduplication-Id`, `Upstash-Retries`); not yet run against QStash itself.
 *
 * @throws {TypeError} If an option is unknown or of another type, a URL is none, or the token is empty.
 * @throws {RangeError} If an option is out of its range.
 */
export function qstash(options: QStashOptions): Wake {
  checkKnown("of qstash()", options, KNOWN);
  const {
    token,
    destination,
    url = "https://qstash.upstash.io",
    retries,
    timeoutMs = 10_000,
    fallback,
  } = options;
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError(
      "qstash() needs its 'token', without spaces or line breaks",
    );
  }
  pathOf("qstash()", destination);
  pathOf("qstash()", url);
  checkInteger("timeoutMs", timeoutMs, 1, 2 ** 31 - 1);
  if (retries !== undefined) checkInteger("retries", retries, 0, 100);
  const address = `${url.replace(/\/+$/, "")}/v2/publish/${destination}`;

  const wake: Wake = async (hint) => {
    const { queue, mark, hop } = hint;
    if (hop > MAX_HOPS) return;
    const { post } = await imported(() => import("./posting.ts"));
    try {
      await post(options, timeoutMs, address, {
        body: JSON.stringify({ queue, mark, hop, at: Date.now() }),
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "upstash-method": "POST",
          "upstash-deduplication-id": `baton-${queue}-${mark}`,
          ...(retries !== undefined && { "upstash-retries": `${retries}` }),
        },
      });
    } catch (error) {
      if (fallback === undefined) throw error;
      await fallback(hint);
    }
  };
  return wake;
}

const KNOWN: readonly (keyof QStashOptions)[] = [
  "token",
  "destination",
  "url",
  "retries",
  "fetch",
  "timeoutMs",
  "fallback",
];
