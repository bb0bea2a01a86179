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
} from "./bounds.ts";
import type { Breaker } from "./breaker.ts";
import { monotonic, type TelemetryClock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import type { Encode } from "./encoding.ts";
import type { TelemetryOptions } from "./options.ts";
import { parseReply, readBody } from "./reply.ts";
import { SDK_VERSION } from "./resource.ts";

/** One signal's way to one receiver. */
export interface Exporter<Item>
  extends Breaker, Pick<TelemetryOptions, "compression" | "fetch" | "random"> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly encode: Encode<Item>;
  /** The time that a flush has for it. */
  readonly timeoutMs: number;
  readonly clock: TelemetryClock;
  readonly context: ActiveContext;
  /** The requests under way: a host may end one without another word, so they count until their deadline at most. */
  readonly underWay: Map<Uint8Array, number>;
}

/** One flush, as both signals see it. */
export interface Flushing {
  readonly resource: AttributeList;
  /** On the monotonic clock. */
  readonly startAt: number;
  /** What has become of it so far. */
  readonly report: Tally;
}

/** What adds up in a flush's report. */
export interface Tally {
  spans: number;
  points: number;
  dropped: number;
  requests: number;
  bytes: number;
  error?: string;
}

/** What became of an export. */
export interface Outcome {
  /** What went wrong, or what the receiver warned of; empty when nothing did. */
  readonly error: string;
  /** How many spans or points the receiver did not take; all of them where it is left out. */
  readonly rejected?: number;
  /** Whether they could not be delivered: another time the receiver may take them. */
  readonly failed?: boolean;
  /** Whether the same request may be sent again. */
  readonly retries?: boolean;
  /** Where it was the receiver that failed: how long it asked to be left alone, if that is more than 0. */
  readonly retryAfterMs?: number;
}

/** Sends items in one request, and again while OTLP allows it and the deadline too; never rejects. */
export async function send<Item>(
  exporter: Exporter<Item>,
  { resource, startAt, report }: Flushing,
  items: readonly Item[],
): Promise<Outcome> {
  const { clock, underWay } = exporter;
  const endsAt = startAt + exporter.timeoutMs;
  try {
    const body = exporter.encode(resource, items);
    let size = body.length;
    for (const [other, until] of underWay) {
      if (until > monotonic(clock)) size += other.length;
      else underWay.delete(other);
    }
    if (size > MAX_REQUEST_BYTES) {
      const error = `Cannot make a request: ${size} bytes are over 64 MiB`;
      return { error, failed: size > body.length };
    }
    underWay.set(body, endsAt);
    const settle = exporter.begin();
    const late = {
      error: "The receiver took too long",
      failed: true,
      retryAfterMs: 0,
    };
    const outcome = await withDeadline<Outcome>(
      clock,
      endsAt,
      late,
      (signal) => deliver(exporter, report, body, endsAt, signal),
    ).finally(() => underWay.delete(body));
    settle(outcome.retryAfterMs);
    return outcome;
  } catch (cause) {
    return { error: `Cannot make a request: ${nameOf(cause)}` };
  }
}

async function deliver(
  exporter: Exporter<never>,
  report: Tally,
  content: Uint8Array<ArrayBuffer>,
  endsAt: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock, contentType, random = Math.random } = exporter;
  const headers = new Headers(exporter.headers);
  headers.set("content-type", contentType);
  if (!headers.has("user-agent")) {
    headers.set("user-agent", `OTel-OTLP-Exporter-Baton/${SDK_VERSION}`);
  }
  let body = content;
  if (exporter.compression === "gzip" && body.length >= GZIP_FROM_BYTES) {
    headers.set("content-encoding", "gzip");
    body = await new Response(
      new Response(body).body!.pipeThrough(new CompressionStream("gzip")),
    ).bytes();
  }
  const init = {
    method: "POST",
    headers,
    body,
    redirect: "manual",
    signal,
    [OURS]: true,
  } as const;
  for (let backoffMs = FIRST_BACKOFF_MS;; backoffMs *= BACKOFF_FACTOR) {
    report.requests++;
    report.bytes += body.length;
    const outcome = await exchange(exporter, init, signal);
    const waitMs = Math.max(
      outcome.retryAfterMs ?? 0,
      backoffMs * (1 + JITTER * random()),
    );
    if (!outcome.retries || monotonic(clock) + waitMs >= endsAt) return outcome;
    await new Promise<void>((resolve) => clock.after(waitMs, resolve));
  }
}

/** Runs outside of any trace: an exporter must not trace itself. */
async function exchange(
  exporter: Exporter<never>,
  init: RequestInit,
  signal: AbortSignal,
): Promise<Outcome> {
  const send = exporter.fetch ?? fetch;
  try {
    const response = await exporter.context.with(
      suppressTracing(ROOT_CONTEXT),
      () => send(exporter.url, init),
    );
    return judge(exporter, response, await readBody(response, signal));
  } catch (cause) {
    const error = `Cannot reach the receiver: ${nameOf(cause)}`;
    return { error, failed: true, retries: true, retryAfterMs: 0 };
  }
}

function judge(
  exporter: Exporter<never>,
  { ok, status, headers }: Response,
  body: Uint8Array | undefined,
): Outcome {
  if (!body) {
    return { error: "The receiver answered over 4 MiB", retryAfterMs: 0 };
  }
  const type = headers.get("content-type") ?? exporter.contentType;
  const reply = parseReply(body, type);
  const said = censor(exporter, reply.error);
  if (ok) return { ...reply, error: said };
  const error = `The receiver answered ${status} ${said}`.trimEnd();
  // these speak of the request's content, not of the receiver
  if ([400, 413, 422].includes(status)) return { error };
  const after = `${headers.get("retry-after")}`;
  return {
    error,
    failed: true,
    // those that OTLP allows to retry
    retries: [429, 502, 503, 504].includes(status),
    retryAfterMs: Number(after) * 1000 ||
      Date.parse(after) - exporter.clock.now() || 0,
  };
}

/** The receiver's words in one line, cut short, without what only it and we are to know. */
function censor(exporter: Exporter<never>, message: string): string {
  const known = `${exporter.url} ${Object.values(exporter.headers)}`;
  // what is shorter is no secret, and may well be a word of an error message
  return [/[^\s,]{8,}/g, /[\w.+-]{8,}/g]
    .flatMap((secret) => known.match(secret) ?? [])
    .reduce((text, secret) => text.replaceAll(secret, "REDACTED"), message)
    .replace(/\p{C}+/gu, " ").slice(0, MAX_MESSAGE);
}

/** What is told of something thrown: its message may hold a URL, or a header. */
function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}
