import {
  INITIAL_BYTES,
  KEPT_BYTES,
  LOOP_BYTES,
  MAX_KNOWN,
  PLAIN_LENGTH,
} from "./bounds.ts";
import { BACKSLASH, QUOTE, ZERO } from "./codes.ts";

const { charCodeAt } = String.prototype;

const utf8 = /* @__PURE__ */ new TextEncoder();

/** Bytes, and up to three more. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The same, four at a time: hosts take longer to copy a few than a loop does. */
  readonly words: Int32Array;
  readonly length: number;
}

// What is being written: one request at a time, for writing never waits.
let buffer: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);
let view: DataView<ArrayBuffer>;

/** Where the next byte goes. */
let at = 0;

/** What never changes, and was written. */
const known = /* @__PURE__ */ new Map<unknown, Piece>();

/** Begins anew; whether `otherwise` than before, so that nothing of that is known. */
export function restart(otherwise: boolean): void {
  at = 0;
  if (otherwise) known.clear();
}

/** How much is written. */
export function size(): number {
  return at;
}

/** Makes sure that so many more bytes fit. */
function room(count: number): void {
  if (at + count > buffer.length) grow(at + count);
}

function grow(least: number): void {
  const larger = Math.max(buffer.length * 2, least, INITIAL_BYTES);
  const former = buffer;
  buffer = new Uint8Array(larger);
  buffer.set(former);
  view = new DataView(buffer.buffer);
}

export function byte(value: number): void {
  room(1);
  buffer[at++] = value;
}

/** Puts another byte where one is. */
export function replace(position: number, value: number): void {
  buffer[position] = value;
}

export function put(bytes: Uint8Array): void {
  room(bytes.length);
  buffer.set(bytes, at);
  at += bytes.length;
}

/** Writes again what was written before. */
export function repeat({ bytes, words, length }: Piece): void {
  room(length + 3);
  const { length: count } = words;
  const to = view;
  const start = at;
  if (length > LOOP_BYTES) buffer.set(bytes, start);
  else {
    for (let i = 0; i < count; i++) to.setInt32(start + i * 4, words[i]!, true);
  }
  at = start + length;
}

/** Writes what never changes of an item. */
export function remembered<T>(item: T, write: (item: T) => void): void {
  const piece = known.get(item);
  if (piece) return repeat(piece);
  const start = at;
  write(item);
  if (known.size === MAX_KNOWN) known.clear();
  known.set(item, since(start));
}

/**
 * Writes a byte, and after it short text that is the same in ASCII, UTF-8 and JSON; and a quote, if the byte is to be
 * the quote before it. Says whether the text was such.
 */
export function plain(head: number, text: string, quotes: 0 | 1): boolean {
  const { length } = text;
  if (length > PLAIN_LENGTH) return false;
  room(length + 2);
  const bytes = buffer;
  let next = at;
  bytes[next++] = head;
  for (let i = 0; i < length; i++) {
    // not text.charCodeAt(): V8 looks that up anew for each character once it has seen five kinds of strings
    const code = charCodeAt.call(text, i);
    if (code < 32 || code > 126 || code === QUOTE || code === BACKSLASH) {
      return false;
    }
    bytes[next++] = code;
  }
  bytes[next] = QUOTE;
  at = next + quotes;
  return true;
}

/** Writes text in UTF-8; lone surrogates become U+FFFD. */
export function text(value: string): void {
  room(value.length * 3);
  at += utf8.encodeInto(value, buffer.subarray(at)).written;
}

/** Writes text that is known to be ASCII. */
export function ascii(text: string): void {
  const { length } = text;
  room(length);
  const bytes = buffer;
  const start = at;
  for (let i = 0; i < length; i++) {
    bytes[start + i] = charCodeAt.call(text, i);
  }
  at = start + length;
}

/** Writes the bytes that pairs of hexadecimal digits stand for. */
export function hex(digits: string): void {
  const { length } = digits;
  room(length);
  const bytes = buffer;
  let next = at;
  for (let i = 0; i < length; i += 2) {
    bytes[next++] = digit(charCodeAt.call(digits, i)) << 4 |
      digit(charCodeAt.call(digits, i + 1));
  }
  at = next;
}

function digit(code: number): number {
  return (code & 15) + (code >> 6) * 9;
}

/** Writes a number of nine decimal digits, zeros before it. */
export function nine(value: number): void {
  room(9);
  const bytes = buffer;
  let rest = value | 0;
  for (let i = at + 8; i >= at; i--) {
    bytes[i] = ZERO + rest % 10;
    rest = (rest / 10) | 0;
  }
  at += 9;
}

/** Writes a whole number from 0 to 2^53, seven bits a byte. */
export function varint(value: number): void {
  room(8);
  const bytes = buffer;
  let next = at;
  let rest = value;
  while (rest > 127) {
    bytes[next++] = rest & 127 | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[next++] = rest;
  at = next;
}

export function fixed32(value: number): void {
  room(4);
  view.setInt32(at, value, true);
  at += 4;
}

export function float64(value: number): void {
  room(8);
  view.setFloat64(at, value, true);
  at += 8;
}

/** Keeps room for the length of what follows, and returns where that begins. */
export function gap(width: number): number {
  room(width);
  return at += width;
}

/** Writes the length of what was written since `start` into the gap before it, as wide as it needs to be: that is returned. */
export function measure(start: number, width: number): number {
  const length = at - start;
  if (length < 128 && width === 1) {
    buffer[start - 1] = length;
    return 1;
  }
  let needed = 1;
  for (let limit = 128; length >= limit; limit *= 128) needed++;
  if (needed !== width) {
    room(needed);
    buffer.copyWithin(start - width + needed, start, at);
  }
  at = start - width;
  varint(length);
  at += length;
  return needed;
}

/** What was written since `start`, to be written again. */
export function since(start: number): Piece {
  room(3);
  const length = at - start;
  const bytes = buffer.slice(start, start + (length + 3 & ~3));
  return { bytes, words: new Int32Array(bytes.buffer), length };
}

/** What was written; the memory is not kept when it grew large. */
export function finish(): Uint8Array<ArrayBuffer> {
  const bytes = buffer.slice(0, at);
  if (buffer.length > KEPT_BYTES) buffer = new Uint8Array(0);
  return bytes;
}
