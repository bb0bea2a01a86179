import { OURS } from "../http/slot.ts";
import { ROOT_CONTEXT } from "../w3c/api.ts";
import { suppressTracing } from "../w3c/suppression.ts";
import type { ActiveContext } from "./active.ts";
import type { AttributeList } from "./attributes.ts";
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
import type { Deadline } from "./deadline.ts";
import type { Encode } from "./encoding.ts";
import { parseReply, readBody } from "./reply.ts";
import { SDK_VERSION } from "./resource.ts";

/** How a signal is sent. */
export interface ExporterSettings<Item> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly encode: Encode<Item>;
  readonly gzip: boolean;
  /** The time that a flush has for it. */
  readonly timeoutMs: number;
  /** `undefined` for the host's own, looked up at each request. */
  readonly fetch: typeof fetch | undefined;
  readonly clock: TelemetryClock;
  readonly context: ActiveContext;
  readonly random: () => number;
}

/** What became of an export, and what it took. */
export interface ExportOutcome {
  /** How many spans or points the receiver did not take: all of them where it is Infinity. */
  readonly rejected: number;
  /** Whether they could not be delivered: another time the receiver may take them. */
  readonly failed: boolean;
  /** What went wrong, or what the receiver warned of; empty when nothing did. */
  readonly error: string;
  /** HTTP requests, repeats included. */
  readonly requests: number;
  /** Their bodies as they were sent. */
  readonly bytes: number;
}

interface Attempt extends ExportOutcome {
  /** Where it was the receiver that failed: whether the same request may be sent again. */
  readonly retries?: boolean;
  /** How long it asked to be left alone. */
  readonly retryAfterMs?: number;
}

/** The statuses that OTLP allows to retry. */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];

/** The statuses that speak of the request's content, not of the receiver. */
const CONTENT: readonly number[] = [400, 413, 422];

/** One signal's way to one receiver. */
export interface Exporter<Item> extends ExporterSettings<Item>, Breaker {
  /** The requests under way: a host may end one without another word, so they count until their deadline at most. */
  readonly underWay: Map<Uint8Array, number>;
}

/** Makes an exporter. */
export function makeExporter<Item>(
  settings: ExporterSettings<Item>,
): Exporter<Item> {
  return { ...settings, ...makeBreaker(), underWay: new Map() };
}

/** Sends items in one request, and again while OTLP allows it and the deadline too; never rejects. */
export async function send<Item>(
  exporter: Exporter<Item>,
  resource: AttributeList,
  items: readonly Item[],
  deadline: Deadline,
): Promise<ExportOutcome> {
  const { underWay } = exporter;
  try {
    const body = exporter.encode(resource, items);
    let size = body.length;
    for (const [other, until] of underWay) {
      if (until > monotonic(exporter.clock)) size += other.length;
      else underWay.delete(other);
    }
    if (size > MAX_REQUEST_BYTES) {
      return nothing(`${size} bytes are over 64 MiB`, size > body.length);
    }
    underWay.set(body, deadline.at);
    return await deliver(exporter, body, deadline)
      .finally(() => underWay.delete(body));
  } catch (cause) {
    return nothing(`Cannot make a request: ${nameOf(cause)}`);
  }
}

async function deliver(
  exporter: Exporter<never>,
  content: Uint8Array<ArrayBuffer>,
  deadline: Deadline,
): Promise<ExportOutcome> {
  const { clock } = exporter;
  const settle = exporter.begin(monotonic(clock));
  const isZipped = exporter.gzip && content.length >= GZIP_FROM_BYTES;
  const body = isZipped ? await compress(content) : content;
  const init = {
    method: "POST",
    headers: headersOf(exporter, isZipped),
    body,
    redirect: "manual",
    signal: deadline.signal,
    [OURS]: true,
  } as const;
  for (let requests = 1, backoffMs = FIRST_BACKOFF_MS;; requests++) {
    const outcome = await attempt(exporter, init, deadline);
    const { retries, retryAfterMs = 0 } = outcome;
    const now = monotonic(clock);
    const waitMs = Math.max(
      retryAfterMs,
      backoffMs * (1 + JITTER * (2 * exporter.random() - 1)),
    );
    if (!retries || now + waitMs >= deadline.at) {
      settle(retries === undefined ? undefined : now, retryAfterMs);
      return { ...outcome, requests, bytes: requests * body.length };
    }
    backoffMs *= BACKOFF_FACTOR;
    await new Promise<void>((resolve) => clock.after(waitMs, resolve));
  }
}

async function attempt(
  exporter: Exporter<never>,
  init: RequestInit,
  { over }: Deadline,
): Promise<Attempt> {
  try {
    return await Promise.race([exchange(exporter, init, over), over]) ??
      { ...nothing("The receiver took too long", true), retries: false };
  } catch (cause) {
    const error = `Cannot reach the receiver: ${nameOf(cause)}`;
    return { ...nothing(error, true), retries: true };
  }
}

/** Runs outside of any trace: an exporter must not trace itself. */
async function exchange(
  exporter: Exporter<never>,
  init: RequestInit,
  over: Promise<unknown>,
): Promise<Attempt> {
  const { url, context, fetch: send = fetch } = exporter;
  const response = await context.with(
    suppressTracing(ROOT_CONTEXT),
    () => send(url, init),
  );
  return judge(exporter, response, await readBody(response, over));
}

function judge(
  exporter: Exporter<never>,
  { ok, status, headers }: Response,
  body: Uint8Array | undefined,
): Attempt {
  if (!body) {
    return { ...nothing("The receiver answered over 4 MiB"), retries: false };
  }
  const type = headers.get("content-type") ?? exporter.contentType;
  const { rejected, message } = parseReply(body, type);
  const said = censor(exporter, message);
  if (ok) return { ...nothing(said), rejected };
  const error = `The receiver answered ${status} ${said}`.trimEnd();
  if (CONTENT.includes(status)) return nothing(error);
  return {
    ...nothing(error, true),
    retries: RETRYABLE.includes(status),
    retryAfterMs: parseRetryAfter(
      headers.get("retry-after"),
      exporter.clock.now(),
    ),
  };
}

function headersOf(
  { headers, contentType }: Exporter<never>,
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
function censor(
  { url, headers }: Exporter<never>,
  message: string,
): string {
  const known = [url, ...Object.values(headers)].join(" ");
  return [/[\s,]/, /[^\w.+-]/].flatMap((between) => known.split(between))
    .filter(({ length }) => length >= MIN_SECRET)
    .reduce((text, secret) => text.replaceAll(secret, "…"), message)
    .replace(/\p{C}+/gu, " ").slice(0, MAX_MESSAGE);
}

/** The outcome of an export of which nothing was sent yet, or taken. */
export function nothing(error: string, failed: boolean = false): ExportOutcome {
  return { rejected: Infinity, failed, error, requests: 0, bytes: 0 };
}

/** What is told of something thrown: its message may hold a URL, or a header. */
function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}

/** Seconds or a date, as HTTP has it; 0 for anything else. */
function parseRetryAfter(header: string | null, now: number): number {
  return Number(header) * 1000 || Date.parse(`${header}`) - now || 0;
}

async function compress(
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Response(body).body!
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(zipped).bytes();
}
