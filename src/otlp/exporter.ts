import { ROOT_CONTEXT } from "@opentelemetry/api";
import { sleep } from "../core/clock.ts";
import { suppressTracing } from "../w3c/suppression.ts";
import type { ActiveContext } from "./active.ts";
import { abortable } from "./deadline.ts";
import { Breaker } from "./breaker.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
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

/** What became of an export. */
export type ExportOutcome =
  | {
    readonly outcome: "accepted";
    /** How many spans or points the receiver refused all the same. */
    readonly rejected: number;
    readonly error?: string;
  }
  /** The receiver will not take these very data, ever. */
  | { readonly outcome: "refused"; readonly error: string }
  /** The data could not be delivered. */
  | { readonly outcome: "failed"; readonly error: string };

type Attempt =
  | Exclude<ExportOutcome, { readonly outcome: "failed" }>
  | {
    readonly outcome: "failed";
    readonly error: string;
    readonly retry: boolean;
    readonly retryAfterMs?: number;
  };

const MAX_REQUEST_BYTES = 64 * 2 ** 20;
const GZIP_FROM_BYTES = 1024;
const FIRST_BACKOFF_MS = 1_000;
const BACKOFF_FACTOR = 1.5;
const JITTER = 0.2;

/** The statuses that OTLP allows to retry. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** The statuses that speak of the request's content, not of the receiver. */
const CONTENT: ReadonlySet<number> = new Set([400, 413, 422]);

/** Sends one signal's requests to one receiver. */
export class Exporter {
  readonly #settings: ExporterSettings;
  readonly #breaker = new Breaker();

  constructor(settings: ExporterSettings) {
    this.#settings = settings;
  }

  /** Whether the receiver failed lately, so that nothing is sent for a while. */
  get isPaused(): boolean {
    return this.#breaker.isOpen(monotonic(this.#settings.clock));
  }

  /**
   * Sends a request, and again while OTLP allows it and the deadline too. Never rejects.
   *
   * @param deadlineAt On the monotonic clock.
   * @param signal Aborts at the deadline.
   */
  async send(
    body: Uint8Array<ArrayBuffer>,
    deadlineAt: number,
    signal: AbortSignal,
  ): Promise<ExportOutcome> {
    const { clock, gzip } = this.#settings;
    if (body.length > MAX_REQUEST_BYTES) {
      const error = `A request of ${body.length} bytes is over OTLP's 64 MiB`;
      return { outcome: "refused", error };
    }
    const known = this.#breaker.failures;
    const isZipped = gzip && body.length >= GZIP_FROM_BYTES;
    const payload = isZipped ? await compress(body) : body;
    for (let attempts = 1;; attempts++) {
      const attempt = await this.#attempt(payload, isZipped, signal);
      const now = monotonic(clock);
      if (attempt.outcome !== "failed") {
        this.#breaker.succeeded();
        return attempt;
      }
      const { error, retry, retryAfterMs } = attempt;
      const waitMs = Math.max(retryAfterMs ?? 0, this.#backoff(attempts));
      if (!retry || signal.aborted || now + waitMs >= deadlineAt) {
        this.#breaker.failed(known, now, retryAfterMs);
        return { outcome: "failed", error };
      }
      await sleep(clock, waitMs, signal);
    }
  }

  async #attempt(
    body: Uint8Array<ArrayBuffer>,
    isZipped: boolean,
    signal: AbortSignal,
  ): Promise<Attempt> {
    try {
      const exchange = this.#post(body, isZipped, signal)
        .then(async (response) => ({
          response,
          reply: await readBody(response),
        }));
      const { response, reply } = await abortable(exchange, signal);
      return reply === undefined
        ? failed("The receiver's reply is over OTLP's 4 MiB", false)
        : this.#judge(response, reply);
    } catch (cause) {
      if (signal.aborted) return failed("The receiver took too long", false);
      const name = cause instanceof Error ? cause.name : "unknown error";
      return failed(`Cannot reach the receiver: ${name}`, true);
    }
  }

  #judge({ ok, status, headers }: Response, body: Uint8Array): Attempt {
    const { clock, contentType } = this.#settings;
    const type = headers.get("content-type") ?? contentType;
    const { rejected, message } = parseReply(body, type);
    if (ok) {
      return message === ""
        ? { outcome: "accepted", rejected }
        : { outcome: "accepted", rejected, error: message };
    }
    const error = `The receiver answered ${status} ${message}`.trimEnd();
    if (CONTENT.has(status)) return { outcome: "refused", error };
    const retryAfter = headers.get("retry-after");
    const retryAfterMs = parseRetryAfter(retryAfter, clock.now());
    return failed(error, RETRYABLE.has(status), retryAfterMs);
  }

  /** Runs outside of any trace: an exporter must not trace itself. */
  #post(
    body: Uint8Array<ArrayBuffer>,
    isZipped: boolean,
    signal: AbortSignal,
  ): Promise<Response> {
    const { fetch = globalThis.fetch, ...settings } = this.#settings;
    const init: RequestInit = {
      method: "POST",
      headers: {
        "user-agent": `OTel-OTLP-Exporter-Baton/${SDK_VERSION}`,
        ...settings.headers,
        "content-type": settings.contentType,
        ...(isZipped ? { "content-encoding": "gzip" } : {}),
      },
      body,
      redirect: "manual",
      signal,
    };
    return settings.context.with(
      suppressTracing(ROOT_CONTEXT),
      () => fetch(settings.url, init),
    );
  }

  #backoff(attempts: number): number {
    const jitter = 1 + JITTER * (2 * this.#settings.random() - 1);
    return FIRST_BACKOFF_MS * BACKOFF_FACTOR ** (attempts - 1) * jitter;
  }
}

function failed(error: string, retry: boolean, retryAfterMs?: number): Attempt {
  return retryAfterMs === undefined
    ? { outcome: "failed", error, retry }
    : { outcome: "failed", error, retry, retryAfterMs };
}

/** Seconds or a date, as HTTP has it. */
function parseRetryAfter(
  header: string | null,
  now: number,
): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header)
    ? Number(header) * 1000
    : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

async function compress(
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([body]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
