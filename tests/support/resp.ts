/** The RESP2 protocol: what Redis answers, read and written as plain values. */

/** A simple string such as `+OK`. */
export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An error that Redis answered. Its text is the whole line: `WRONGTYPE Operation against …`. */
export class RespError extends Error {
  override readonly name: string = "RespError";
}

/** What Redis answers. Bulk strings stay bytes; integers outside the safe range are bigint. */
export type Reply =
  | null
  | number
  | bigint
  | Status
  | RespError
  | Uint8Array<ArrayBuffer>
  | Reply[];

/** A reply with its strings decoded as UTF-8. */
export type Value = null | number | bigint | string | RespError | Value[];

/** One command: its name and arguments. */
export type Args = readonly (string | Uint8Array)[];

interface Frame {
  readonly items: Reply[];
  readonly length: number;
}

const CR = 13;
const utf8 = new TextDecoder();
const encoder = new TextEncoder();
const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Turns bytes as they arrive into replies. */
export class RespParser {
  #data: Uint8Array<ArrayBuffer> = NOTHING;
  #at = 0;
  #waiting: Uint8Array[] = [];
  #missing = 0;
  #frames: Frame[] = [];

  /** Takes the next bytes and returns the replies that they complete. */
  push(chunk: Uint8Array): Reply[] {
    this.#waiting.push(chunk);
    this.#missing -= chunk.length;
    if (this.#missing > 0) return [];
    this.#data = concat([this.#data.subarray(this.#at), ...this.#waiting]);
    this.#at = 0;
    this.#waiting = [];
    this.#missing = 0;
    const replies: Reply[] = [];
    for (let reply = this.#next(); reply !== undefined; reply = this.#next()) {
      replies.push(reply);
    }
    return replies;
  }

  #next(): Reply | undefined {
    for (;;) {
      const element = this.#element();
      if (element === undefined) return undefined;
      if (element instanceof Opened) {
        this.#frames.push({ items: [], length: element.length });
        continue;
      }
      let value: Reply = element;
      for (;;) {
        const frame = this.#frames.at(-1);
        if (frame === undefined) return value;
        frame.items.push(value);
        if (frame.items.length < frame.length) break;
        this.#frames.pop();
        value = frame.items;
      }
    }
  }

  #element(): Reply | Opened | undefined {
    const end = this.#data.indexOf(CR, this.#at);
    if (end === -1 || end + 1 >= this.#data.length) return undefined;
    const line = utf8.decode(this.#data.subarray(this.#at + 1, end));
    const type = String.fromCharCode(this.#data[this.#at] ?? 0);
    const after = end + 2;
    if (type === "$") return this.#bulk(Number(line), after);
    this.#at = after;
    switch (type) {
      case "+":
        return new Status(line);
      case "-":
        return new RespError(line);
      case ":":
        return integer(line);
      case "*":
        if (line === "-1") return null;
        return line === "0" ? [] : new Opened(Number(line));
      default:
        throw new Error(`Not a RESP2 reply: it starts with '${type}'`);
    }
  }

  #bulk(
    length: number,
    from: number,
  ): Uint8Array<ArrayBuffer> | null | undefined {
    if (length >= 0) {
      const short = from + length + 2 - this.#data.length;
      if (short > 0) {
        this.#missing = short;
        return undefined;
      }
    }
    this.#at = length < 0 ? from : from + length + 2;
    return length < 0 ? null : this.#data.slice(from, from + length);
  }
}

class Opened {
  readonly length: number;
  constructor(length: number) {
    this.length = length;
  }
}

function integer(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** Joins byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A command as RESP2 bytes. */
export function encodeCommand(args: Args): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let head = `*${args.length}\r\n`;
  for (const arg of args) {
    const bytes = typeof arg === "string" ? encoder.encode(arg) : arg;
    parts.push(encoder.encode(`${head}$${bytes.length}\r\n`), bytes);
    head = "\r\n";
  }
  parts.push(encoder.encode(head));
  return concat(parts);
}

/** A reply as RESP2 bytes. */
export function encodeReply(reply: Reply): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  writeReply(reply, parts);
  return concat(parts);
}

function writeReply(reply: Reply, parts: Uint8Array[]): void {
  if (reply === null) parts.push(encoder.encode("$-1\r\n"));
  else if (typeof reply === "number" || typeof reply === "bigint") {
    parts.push(encoder.encode(`:${reply}\r\n`));
  } else if (reply instanceof Status) {
    parts.push(encoder.encode(`+${reply.text}\r\n`));
  } else if (reply instanceof RespError) {
    parts.push(encoder.encode(`-${reply.message}\r\n`));
  } else if (Array.isArray(reply)) {
    parts.push(encoder.encode(`*${reply.length}\r\n`));
    for (const item of reply) writeReply(item, parts);
  } else {
    parts.push(encoder.encode(`$${reply.length}\r\n`), reply, CRLF);
  }
}

const CRLF = encoder.encode("\r\n");

/** Decodes every string of a reply as UTF-8. */
export function decode(reply: Reply): Value {
  if (reply instanceof Status) return reply.text;
  if (reply instanceof Uint8Array) return utf8.decode(reply);
  if (Array.isArray(reply)) return reply.map(decode);
  return reply;
}
