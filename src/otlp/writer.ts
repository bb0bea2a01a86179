import { AttributeCache } from "./attribute_cache.ts";
import * as bytes from "./bytes.ts";
import { type Instant, toHrTime } from "./clock.ts";
import {
  CLOSE,
  CLOSE_LIST,
  COMMA,
  FIXED32,
  FIXED64,
  LENGTH_DELIMITED,
  OPEN,
  OPEN_LIST,
  QUOTE,
  VARINT,
} from "./codes.ts";
import { enclose, key, literal, number, quoted, whole } from "./json.ts";
import { blob, halves, tag } from "./protobuf.ts";

// OTLP's messages as protobuf or as JSON: each member has its number for the one and its name for the other, so every
// message is described once. A member that is `undefined`, or a count of 0, is left out.

let isJson: boolean | undefined;

/** How the attributes are encoded that were written before. */
export let cache: AttributeCache;

// Most instants are of the same second.
let second = 0;
let digits: bytes.Piece | undefined;
let low = 0;
let high = 0;

/** Begins a request; JSON is protobuf's but for ids in hexadecimal and enumerations as numbers. */
export function begin(json: boolean): void {
  bytes.restart(isJson !== json);
  if (isJson === json) return;
  isJson = json;
  cache = new AttributeCache();
}

/** Ends it, and hands over its bytes. */
export function end(): Uint8Array<ArrayBuffer> {
  if (isJson) close(0);
  return bytes.finish();
}

/** Begins a nested message; one of a list has no name. Returns where its content begins. */
export function open(field: number, name?: string, width: number = 1): number {
  if (!isJson) {
    tag(field, LENGTH_DELIMITED);
    return bytes.gap(width);
  }
  if (name) key(name);
  else bytes.byte(COMMA);
  return bytes.size();
}

/** Ends the message that {@link open} began; returns how wide its length was. */
export function close(start: number, width: number = 1): number {
  if (!isJson) return bytes.measure(start, width);
  enclose(start, OPEN, CLOSE);
  return 1;
}

/** Writes a message of a list that was written before, from the byte before its content on: its length, or the comma. */
export function element(field: number, encoded: bytes.Piece): void {
  if (!isJson) tag(field, LENGTH_DELIMITED);
  bytes.repeat(encoded);
}

/** Writes a nested message. */
export function message<T>(
  field: number,
  name: string,
  item: T,
  write: (item: T) => void,
): void {
  const start = open(field, name);
  write(item);
  close(start);
}

/** Writes a list of messages, unless it is empty; mostly they are alike in size. */
export function messages<T>(
  field: number,
  name: string,
  items: readonly T[],
  write: (item: T, index: number) => void,
): void {
  if (items.length === 0) return;
  const begin = list(name);
  let width = 1;
  for (let i = 0; i < items.length; i++) {
    const start = open(field, undefined, width);
    write(items[i]!, i);
    width = close(start, width);
  }
  endList(begin);
}

/** Begins a list of messages. */
export function list(name: string): number {
  return isJson ? key(name) : 0;
}

/** Ends it. */
export function endList(start: number): void {
  if (isJson) enclose(start, OPEN_LIST, CLOSE_LIST);
}

/** Text; lone surrogates become U+FFFD. */
export function string(
  field: number,
  name: string,
  value: string | undefined,
): void {
  if (value === undefined) return;
  if (isJson) {
    key(name);
    quoted(value);
  } else {
    tag(field, LENGTH_DELIMITED);
    if (bytes.plain(value.length, value, 0)) return;
    const start = bytes.gap(1);
    bytes.text(value);
    bytes.measure(start, 1);
  }
}

export function binary(field: number, name: string, value: Uint8Array): void {
  if (!isJson) return blob(field, value);
  let latin1 = "";
  for (const code of value) latin1 += String.fromCharCode(code);
  literal(name, `"${btoa(latin1)}"`);
}

/** An id, given in hexadecimal. */
export function id(
  field: number,
  name: string,
  value: string | undefined,
): void {
  if (value === undefined) return;
  if (isJson) {
    key(name);
    quoted(value);
  } else {
    tag(field, LENGTH_DELIMITED);
    bytes.byte(value.length / 2);
    bytes.hex(value);
  }
}

export function bool(field: number, name: string, value: boolean): void {
  if (isJson) return literal(name, String(value));
  tag(field, VARINT);
  bytes.byte(Number(value));
}

/** A count or an enumeration. */
export function uint(field: number, name: string, value: number): void {
  if (value === 0) return;
  if (isJson) return literal(name, String(value));
  tag(field, VARINT);
  bytes.varint(value);
}

export function fixed32(field: number, name: string, value: number): void {
  if (isJson) return literal(name, String(value));
  tag(field, FIXED32);
  bytes.fixed32(value);
}

export function int64(
  field: number,
  name: string,
  value: number | bigint,
): void {
  if (isJson) return literal(name, whole(value));
  tag(field, VARINT);
  if (value >= 0 && Number.isSafeInteger(value)) {
    return bytes.varint(Number(value));
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.byte(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.byte(Number(rest));
}

export function fixed64(field: number, name: string, value: number): void {
  if (isJson) return literal(name, whole(value));
  tag(field, FIXED64);
  halves(value);
}

export function double(field: number, name: string, value: number): void {
  if (isJson) return literal(name, number(value));
  tag(field, FIXED64);
  bytes.float64(value);
}

/** An instant, in nanoseconds. */
export function time(field: number, name: string, at: Instant): void {
  const pair = toHrTime(at);
  const seconds = pair[0];
  const nanos = pair[1];
  if (seconds !== second) {
    const whole = BigInt(Math.max(seconds, 0)) * 1_000_000_000n;
    second = seconds;
    digits = undefined;
    low = Number(BigInt.asIntN(32, whole));
    high = Number(whole >> 32n);
  }
  if (!isJson) {
    tag(field, FIXED64);
    const sum = low + nanos | 0;
    bytes.fixed32(sum);
    bytes.fixed32(sum >>> 0 < low >>> 0 ? high + 1 : high);
  } else if (seconds <= 0) literal(name, `"${nanos}"`);
  else {
    const start = key(name);
    if (digits) bytes.repeat(digits);
    else {
      bytes.ascii(`"${seconds}`);
      digits = bytes.since(start);
    }
    bytes.nine(nanos);
    bytes.byte(QUOTE);
  }
}

export function fixed64s(
  field: number,
  name: string,
  values: readonly number[],
): void {
  packed(field, name, values, whole, halves);
}

export function doubles(
  field: number,
  name: string,
  values: readonly number[],
): void {
  packed(field, name, values, number, bytes.float64);
}

function packed(
  field: number,
  name: string,
  values: readonly number[],
  inJson: (value: number) => string,
  inProtobuf: (value: number) => void,
): void {
  if (isJson) return literal(name, `[${values.map(inJson)}]`);
  const start = open(field);
  for (const value of values) inProtobuf(value);
  close(start);
}
