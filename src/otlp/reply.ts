import { safely } from "../core/safely.ts";
import { MAX_REPLY_BYTES } from "./bounds.ts";

/** What a receiver says in a reply's body. */
export interface Reply {
  /** How many spans or points it refused although it accepted the request, in its own words. */
  readonly rejected: number;
  /** What it says about that, or about its error. */
  readonly error: string;
}

const text = new TextDecoder();

/**
 * The body's bytes; `undefined` when they exceed OTLP's limit, beyond which nothing is read.
 * Nothing more is read either when the time is over: not every `fetch` heeds its signal.
 */
export async function readBody(
  { body }: Response,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const parts: BlobPart[] = [];
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop);
  for (let room = MAX_REPLY_BYTES; room >= 0 && !signal.aborted;) {
    const { value } = await reader.read();
    if (!value) return await new Blob(parts).bytes();
    room -= value.length;
    parts.push(value);
  }
  return stop();
}

/**
 * Reads an `Export…ServiceResponse` with its partial success, or a `Status`.
 *
 * Both have the same fields: a number under 1, a text under 2, in a partial success one level down under 1.
 * What cannot be read says nothing.
 */
export function parseReply(body: Uint8Array, contentType: string): Reply {
  return safely(
    () =>
      contentType.includes("json")
        ? parseJson(body)
        : contentType.includes("protobuf")
        ? parseProtobuf(body)
        : undefined,
  ) ?? { rejected: 0, error: "" };
}

function parseJson(body: Uint8Array): Reply {
  const {
    message = "",
    partialSuccess: {
      rejectedSpans,
      rejectedDataPoints = rejectedSpans,
      errorMessage = message,
    } = {},
  } = JSON.parse(text.decode(body));
  return { rejected: Number(rejectedDataPoints), error: String(errorMessage) };
}

function parseProtobuf(body: Uint8Array): Reply {
  let at = 0;
  let rejected = 0;
  let error = "";
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < body.length; factor *= 128) {
      const byte = body[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < body.length) {
    const tag = varint();
    const value = varint();
    if (tag === 8) rejected = value;
    if ((tag & 7) === 2) {
      const part = body.subarray(at, at += value);
      if (tag === 10) return parseProtobuf(part);
      if (tag === 18) error = text.decode(part);
    } else if (tag & 7) break;
  }
  return { rejected, error };
}
