import { suppressTracing } from "../w3c/suppression.ts";
import { ROOT_CONTEXT } from "../w3c/api.ts";
import type { ActiveContext } from "./active.ts";
import { Breaker } from "./breaker.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { abortable } from "./deadline.ts";
import { parseReply, readBody } from "./reply.ts";
import { SDK_VERSION } from "./resource.ts";

/** How a signal is sent. */
export interface ExporterSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly gzip: boolean;
  /** `undefined` for the host's own, looked up at each request. */
  readonly fetch: typeof fetch | undefined;
  readonly clock: TelemetryClock;
  readonly context: ActiveContext;
  readonly random: () => number;
}

/** What became of an export, and what it took. */
export interface ExportOutcome {
  /** `refused`: the receiver will not take these very data, ever. `failed`: they could not be delivered. */
  readonly outcome: "accepted" | "refused" | "failed";
  /** How many spans or points it did not take: all of them where it is Infinity. */
  readonly rejected: number;
  /** What went wrong, or what the receiver warned of; empty when nothing did. */
  readonly error: string;
  /** HTTP requests, repeats included. */
  readonly requests: number;
  /** Their bodies as they were sent. */
  readonly bytes: number;
}

interface Attempt extends ExportOutcome {
  /** Whether the receiver failed: `retry` where the same request may be sent again. */
  readonly failure?: "retry" | "final";
  /** How long it asked to be left alone; NaN where it did not. */
  readonly retryAfterMs?: number;
}

/** OTLP's limit for requests, before compression; here for all together that are under way to one receiver. */
const MAX_REQUEST_BYTES = 64 * 2 ** 20;
const GZIP_FROM_BYTES = 1024;
const FIRST_BACKOFF_MS = 1_000;
const BACKOFF_FACTOR = 1.5;
const JITTER = 0.2;

/** How much of a receiver's message is repeated, in UTF-16 units. */
const MAX_MESSAGE = 200;

/** A shorter word of a header is no secret, and may well be a word of an error message. */
const MIN_SECRET = 8;

/** The statuses that OTLP allows to retry. */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];

/** The statuses that speak of the request's content, not of the receiver. */
const CONTENT: readonly number[] = [400, 413, 422];

/** Sends one signal's requests to one receiver. */
export class Exporter {
  readonly #settings: ExporterSettings;
  readonly #breaker = new Breaker();
  /** The requests under way: a host may end one without another word, so they count until their deadline at most. */
  readonly #underWay = new Set<{
    readonly bytes: number;
    readonly until: number;
  }>();

  constructor(settings: ExporterSettings) {
    this.#settings = settings;
  }

  /** Whether the receiver failed lately, so that nothing is sent for a while. */
  get isPaused(): boolean {
    return this.#breaker.isOpen(monotonic(this.#settings.clock));
  }

  /**
   * Sends a request, and again while OTLP allows it and the deadline too.
   *
   * @param deadlineAt On the monotonic clock.
   * @param signal Aborts at the deadline.
   * @throws When the settings make no request at all.
   */
  async send(
    body: Uint8Array<ArrayBuffer>,
    deadlineAt: number,
    signal: AbortSignal,
  ): Promise<ExportOutcome> {
    const now = monotonic(this.#settings.clock);
    let size = body.length;
    for (const other of this.#underWay) {
      if (other.until > now) size += other.bytes;
      else this.#underWay.delete(other);
    }
    if (size > MAX_REQUEST_BYTES) {
      return nothing(
        size > body.length ? "failed" : "refused",
        `${size} bytes at once are over OTLP's 64 MiB`,
      );
    }
    const one = { bytes: body.length, until: deadlineAt };
    this.#underWay.add(one);
    const outcome = await this.#deliver(body, deadlineAt, signal);
    this.#underWay.delete(one);
    return outcome;
  }

  async #deliver(
    body: Uint8Array<ArrayBuffer>,
    deadlineAt: number,
    signal: AbortSignal,
  ): Promise<ExportOutcome> {
    const { clock, gzip, random } = this.#settings;
    const known = this.#breaker.failures;
    const isZipped = gzip && body.length >= GZIP_FROM_BYTES;
    const payload = isZipped ? await compress(body) : body;
    const init: RequestInit = {
      method: "POST",
      headers: this.#headers(isZipped),
      body: payload,
      redirect: "manual",
      signal,
    };
    for (let requests = 1, backoffMs = FIRST_BACKOFF_MS;; requests++) {
      const attempt = await this.#attempt(init, signal);
      const { failure, retryAfterMs = NaN } = attempt;
      const now = monotonic(clock);
      const waitMs = Math.max(
        retryAfterMs || 0,
        backoffMs * (1 + JITTER * (2 * random() - 1)),
      );
      if (failure === "retry" && now + waitMs < deadlineAt && !signal.aborted) {
        backoffMs *= BACKOFF_FACTOR;
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
        continue;
      }
      if (failure === undefined) this.#breaker.succeeded();
      else this.#breaker.failed(known, now, retryAfterMs);
      return { ...attempt, requests, bytes: requests * payload.length };
    }
  }

  async #attempt(init: RequestInit, signal: AbortSignal): Promise<Attempt> {
    try {
      return await abortable(this.#exchange(init, signal), signal);
    } catch (cause) {
      const error = signal.aborted
        ? "The receiver took too long"
        : `Cannot reach the receiver: ${nameOf(cause)}`;
      return { ...nothing("failed", error), failure: "retry" };
    }
  }

  /** Runs outside of any trace: an exporter must not trace itself. */
  async #exchange(init: RequestInit, signal: AbortSignal): Promise<Attempt> {
    const { url, context, fetch = globalThis.fetch } = this.#settings;
    const response = await context.with(
      suppressTracing(ROOT_CONTEXT),
      () => fetch(url, init),
    );
    return this.#judge(response, await readBody(response, signal));
  }

  #judge({ ok, status, headers }: Response, body?: Uint8Array): Attempt {
    if (body === undefined) {
      const error = "The receiver's reply is over OTLP's 4 MiB";
      return { ...nothing("refused", error), failure: "final" };
    }
    const { clock, contentType } = this.#settings;
    const type = headers.get("content-type") ?? contentType;
    const { rejected, message } = parseReply(body, type);
    const said = this.#censor(message);
    if (ok) return { ...nothing("accepted", said), rejected };
    const error = `The receiver answered ${status} ${said}`.trimEnd();
    if (CONTENT.includes(status)) return nothing("refused", error);
    return {
      ...nothing("failed", error),
      failure: RETRYABLE.includes(status) ? "retry" : "final",
      retryAfterMs: parseRetryAfter(headers.get("retry-after"), clock.now()),
    };
  }

  #headers(isZipped: boolean): Headers {
    const { headers, contentType } = this.#settings;
    const all = new Headers({
      "user-agent": `OTel-OTLP-Exporter-Baton/${SDK_VERSION}`,
      ...headers,
    });
    all.set("content-type", contentType);
    if (isZipped) all.set("content-encoding", "gzip");
    return all;
  }

  /** The receiver's words in one line, cut short, without what only it and we are to know. */
  #censor(message: string): string {
    const { url, headers } = this.#settings;
    const known = [url, ...Object.values(headers)].join(" ");
    return [/[\s,]/, /[^\w.+-]/].flatMap((between) => known.split(between))
      .filter(({ length }) => length >= MIN_SECRET)
      .reduce((text, secret) => text.replaceAll(secret, "…"), message)
      .replace(/\p{C}+/gu, " ").slice(0, MAX_MESSAGE);
  }
}

/** The outcome of an export of which nothing was sent yet, or taken. */
export function nothing(
  outcome: ExportOutcome["outcome"],
  error: string,
): ExportOutcome {
  return { outcome, rejected: Infinity, error, requests: 0, bytes: 0 };
}

/** What is told of something thrown: its message may hold a URL, or a header. */
export function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}

/** Seconds or a date, as HTTP has it; NaN for anything else. */
function parseRetryAfter(header: string | null, now: number): number {
  const text = header ?? "";
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
}

async function compress(
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Blob([body]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(zipped).bytes();
}
