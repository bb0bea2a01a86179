/** Answers as Upstash writes them: JSON, base64 in JSON, or RESP2; and its words for errors. */
import { concat, encodeReply, type Reply, RespError, Status } from "../resp.ts";

/** How the request wants its answer. */
export type Format = "json" | "base64" | "resp2";

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

export const UNAUTHORIZED =
  "WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.";

/** The error for a request, or a reply, beyond the limit. */
export function tooLarge(limit: number, actual: number): RespError {
  return new RespError(
    `ERR max request size exceeded. Limit: ${limit} bytes, Actual: ${actual} bytes. ` +
      "See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details",
  );
}

/** Upstash's words for what Redis says when it is full. */
export function inUpstashWords(reply: Reply): Reply {
  if (!(reply instanceof RespError) || !reply.message.startsWith("OOM ")) {
    return reply;
  }
  return new RespError("ERR DB capacity quota exceeded");
}

/** A plain JSON answer. */
export function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  };
}

/** An error answer. */
export function failure(status: number, message: string): Answer {
  return json(status, { error: message });
}

/** The answer to a single command. */
export function single(reply: Reply, format: Format, limit: number): Answer {
  if (format === "resp2") return binary([capped(reply, limit)]);
  const { error, body } = envelope(reply, format, limit);
  return {
    status: error ? 400 : 200,
    headers: { "content-type": "application/json" },
    body,
  };
}

/** The answer to a pipeline or transaction. */
export function several(
  replies: readonly Reply[],
  format: Format,
  limit: number,
): Answer {
  if (format === "resp2") {
    return binary(replies.map((reply) => capped(reply, limit)));
  }
  const bodies = replies.map((reply) => envelope(reply, format, limit).body);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: `[${bodies.join(",")}]`,
  };
}

function binary(replies: readonly Reply[]): Answer {
  return {
    status: 200,
    headers: { "content-type": "application/octet-stream" },
    body: concat(replies.map(encodeReply)),
  };
}

function capped(reply: Reply, limit: number): Reply {
  const size = encodeReply(reply).length;
  return size > limit ? tooLarge(limit, size) : reply;
}

function envelope(
  reply: Reply,
  format: Format,
  limit: number,
): { readonly error: boolean; readonly body: string } {
  if (reply instanceof RespError) {
    return { error: true, body: JSON.stringify({ error: reply.message }) };
  }
  const body = JSON.stringify({
    result: plain(reply, format === "base64" ? base64 : utf8),
  });
  if (body.length <= limit) return { error: false, body };
  return {
    error: true,
    body: JSON.stringify({ error: tooLarge(limit, body.length).message }),
  };
}

function plain(reply: Reply, string: (bytes: Uint8Array) => string): unknown {
  if (reply instanceof Uint8Array) return string(reply);
  if (reply instanceof Status) return string(encoder.encode(reply.text));
  if (reply instanceof RespError) return string(encoder.encode(reply.message));
  if (Array.isArray(reply)) return reply.map((item) => plain(item, string));
  return typeof reply === "bigint" ? exactly(reply) : reply;
}

/** An integer beyond 2^53 as a JSON number, which `JSON.stringify` refuses to write from a bigint. */
function exactly(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(
    `${value}`,
  );
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function utf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Every string but "OK". */
function base64(bytes: Uint8Array): string {
  return bytes.length === 2 && bytes[0] === 79 && bytes[1] === 75
    ? "OK"
    : bytes.toBase64();
}
