import { suppressTracing } from "../w3c/suppression.ts";
import { ROOT_CONTEXT } from "../w3c/api.ts";
import type { ActiveContext } from "./active.ts";
import {
  BACKOFF_FACTOR,
  FIRST_BACKOFF_MS,
  GZIP_FROM_BYTES,
  JITTER,
  MAX_MESSAGE,
  MAX_REQUEST_BYTES,
  MIN_SECRET,
} from "./bounds.ts";
import { type Breaker, makeBreaker } from "./breaker.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { abortable, type Deadline } from "./deadline.ts";
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
  /** Where the receiver failed: whether the same request may be sent again. */
  readonly retries?: boolean;
  /** How long it asked to be left alone; NaN where it did not. */
  readonly retryAfterMs?: number;
}

/** The statuses that OTLP allows to retry. */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];

/** The statuses that speak of the request's content, not of the receiver. */
const CONTENT: readonly number[] = [400, 413, 422];

/** Sends one signal's requests to one receiver. */
export interface Exporter {
  /** Whether the receiver failed lately, so that nothing is sent for a while. */
  isPaused(): boolean;
  /**
   * Sends a request, and again while OTLP allows it and the deadline too.
   *
   * @throws When the settings make no request at all.
   */
  send(
    body: Uint8Array<ArrayBuffer>,
    deadline: Deadline,
  ): Promise<ExportOutcome>;
}

/** Makes an exporter. */
export function makeExporter(settings: ExporterSettings): Exporter {
  const breaker = makeBreaker();
  const now = () => monotonic(settings.clock);
  /** The requests under way: a host may end one without another word, so they count until their deadline at most. */
  const underWay = new Map<Uint8Array, number>();
  return {
    isPaused: () => breaker.isOpen(now()),
    async send(body, deadline) {
      let size = body.length;
      for (const [other, until] of underWay) {
        if (until > now()) size += other.length;
        else underWay.delete(other);
      }
      if (size > MAX_REQUEST_BYTES) {
        return nothing(
          size > body.length ? "failed" : "refused",
          `${size} bytes are over 64 MiB`,
        );
      }
      underWay.set(body, deadline.at);
      const outcome = await deliver(settings, breaker, body, deadline);
      underWay.delete(body);
      return outcome;
    },
  };
}

async function deliver(
  settings: ExporterSettings,
  breaker: Breaker,
  body: Uint8Array<ArrayBuffer>,
  { at, signal }: Deadline,
): Promise<ExportOutcome> {
  const { clock, gzip, random } = settings;
  const settle = breaker.begin();
  const isZipped = gzip && body.length >= GZIP_FROM_BYTES;
  const payload = isZipped ? await compress(body) : body;
  const init: RequestInit = {
    method: "POST",
    headers: headersOf(settings, isZipped),
    body: payload,
    redirect: "manual",
    signal,
  };
  for (let requests = 1, backoffMs = FIRST_BACKOFF_MS;; requests++) {
    const attempt = await attemptTo(settings, init, signal);
    const { retries, retryAfterMs = NaN } = attempt;
    const now = monotonic(clock);
    const waitMs = Math.max(
      retryAfterMs || 0,
      backoffMs * (1 + JITTER * (2 * random() - 1)),
    );
    if (retries && now + waitMs < at && !signal.aborted) {
      backoffMs *= BACKOFF_FACTOR;
      await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      continue;
    }
    settle(retries === undefined ? undefined : now, retryAfterMs);
    return { ...attempt, requests, bytes: requests * payload.length };
  }
}

async function attemptTo(
  settings: ExporterSettings,
  init: RequestInit,
  signal: AbortSignal,
): Promise<Attempt> {
  try {
    return await abortable(exchange(settings, init, signal), signal);
  } catch (cause) {
    const error = signal.aborted
      ? "The receiver took too long"
      : `Cannot reach the receiver: ${nameOf(cause)}`;
    return { ...nothing("failed", error), retries: true };
  }
}

/** Runs outside of any trace: an exporter must not trace itself. */
async function exchange(
  settings: ExporterSettings,
  init: RequestInit,
  signal: AbortSignal,
): Promise<Attempt> {
  const { url, context, fetch: send = fetch } = settings;
  const response = await context.with(
    suppressTracing(ROOT_CONTEXT),
    () => send(url, init),
  );
  return judge(settings, response, await readBody(response, signal));
}

function judge(
  settings: ExporterSettings,
  { ok, status, headers }: Response,
  body: Uint8Array | undefined,
): Attempt {
  if (!body) {
    const error = "The receiver answered over 4 MiB";
    return { ...nothing("refused", error), retries: false };
  }
  const { clock, contentType } = settings;
  const type = headers.get("content-type") ?? contentType;
  const { rejected, message } = parseReply(body, type);
  const said = censor(settings, message);
  if (ok) return { ...nothing("accepted", said), rejected };
  const error = `The receiver answered ${status} ${said}`.trimEnd();
  if (CONTENT.includes(status)) return nothing("refused", error);
  return {
    ...nothing("failed", error),
    retries: RETRYABLE.includes(status),
    retryAfterMs: parseRetryAfter(headers.get("retry-after"), clock.now()),
  };
}

function headersOf(
  { headers, contentType }: ExporterSettings,
  isZipped: boolean,
): Headers {
  const all = new Headers({
    "user-agent": `OTel-OTLP-Exporter-Baton/${SDK_VERSION}`,
    ...headers,
  });
  all.set("content-type", contentType);
  if (isZipped) all.set("content-encoding", "gzip");
  return all;
}

/** The receiver's words in one line, cut short, without what only it and we are to know. */
function censor({ url, headers }: ExporterSettings, message: string): string {
  const known = [url, ...Object.values(headers)].join(" ");
  return [/[\s,]/, /[^\w.+-]/].flatMap((between) => known.split(between))
    .filter(({ length }) => length >= MIN_SECRET)
    .reduce((text, secret) => text.replaceAll(secret, "…"), message)
    .replace(/\p{C}+/gu, " ").slice(0, MAX_MESSAGE);
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
  const zipped = new Response(body).body!
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(zipped).bytes();
}
