/** What a receiver says in a reply's body. */
export interface Reply {
  /** How many spans or points it refused although it accepted the request. */
  readonly rejected: number;
  /** What it says about that, or about its error; cut to 200 characters. */
  readonly message: string;
}

/** OTLP's limit for replies. */
const MAX_BYTES = 4 * 2 ** 20;
const MAX_MESSAGE = 200;
const SILENT: Reply = { rejected: 0, message: "" };

const text = new TextDecoder();

/** The body's bytes; `undefined` when they exceed OTLP's limit, beyond which nothing is read. */
export async function readBody(
  response: Response,
): Promise<Uint8Array | undefined> {
  if (response.body === null) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.length;
    if (length > MAX_BYTES) return undefined;
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/**
 * Reads an `Export…ServiceResponse` with its partial success, or a `Status`.
 *
 * Both have the same fields: a number under 1, a text under 2, in a partial success one level down under 1.
 * What cannot be read says nothing.
 */
export function parseReply(body: Uint8Array, contentType: string): Reply {
  try {
    const { rejected, message } = contentType.includes("json")
      ? parseJson(body)
      : parseProtobuf(body);
    return { rejected, message: message.slice(0, MAX_MESSAGE) };
  } catch {
    return SILENT;
  }
}

function parseJson(body: Uint8Array): Reply {
  const reply = JSON.parse(text.decode(body));
  const partial = reply.partialSuccess ?? {};
  const rejected = Number(
    partial.rejectedSpans ?? partial.rejectedDataPoints ?? 0,
  );
  const message = String(partial.errorMessage ?? reply.message ?? "");
  return { rejected, message };
}

function parseProtobuf(body: Uint8Array): Reply {
  let rejected = 0;
  let message = "";
  for (const { field, value } of fields(body)) {
    if (field === 2 && typeof value === "object") message = text.decode(value);
    if (field === 1 && typeof value === "number") rejected = value;
    if (field === 1 && typeof value === "object") return parseProtobuf(value);
  }
  return { rejected, message };
}

interface Field {
  readonly field: number;
  readonly value: number | Uint8Array;
}

function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) yield { field, value: varint() };
    else if (wire === 2) {
      const length = varint();
      yield { field, value: bytes.subarray(at, at += length) };
    } else return;
  }
}
