import type { HrTime } from "@opentelemetry/api";
import { AttributeCache } from "./attribute_cache.ts";
import {
  type AttributeList,
  type AttributeValue,
  isInt64,
} from "./attributes.ts";
import type { Bytes } from "./bytes.ts";
import type { Library } from "./resource.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Up to here a length is one byte, and text is copied character by character. */
const SHORT = 128;
const SHORT_TEXT = 64;

const cache = /* @__PURE__ */ new AttributeCache();

function tag(out: Bytes, field: number, wire: number): void {
  varint(out, field << 3 | wire);
}

/** Writes a whole number from 0 to 2^53. */
function varint(out: Bytes, value: number): void {
  out.room(10);
  let rest = value;
  while (rest >= SHORT) {
    out.buffer[out.at++] = rest & 127 | 128;
    rest = rest < 2 ** 31 ? rest >>> 7 : Math.floor(rest / SHORT);
  }
  out.buffer[out.at++] = rest;
}

/** Begins a nested message: one byte is kept free for its length. */
export function open(out: Bytes, field: number): number {
  tag(out, field, LENGTH_DELIMITED);
  out.byte(0);
  return out.at;
}

/** Ends the message that {@link open} began at `start`, and makes room where its length takes more than a byte. */
export function close(out: Bytes, start: number): void {
  const length = out.at - start;
  if (length < SHORT) {
    out.buffer[start - 1] = length;
    return;
  }
  let extra = 1;
  for (let limit = SHORT ** 2; length >= limit; limit *= SHORT) extra++;
  out.room(extra);
  out.buffer.copyWithin(start + extra, start, out.at);
  out.at = start - 1;
  varint(out, length);
  out.at += length;
}

/** Writes a number, unless it is zero, the default. */
export function uint(out: Bytes, field: number, value: number): void {
  if (value === 0) return;
  tag(out, field, VARINT);
  varint(out, value);
}

export function bool(out: Bytes, field: number, value: boolean): void {
  tag(out, field, VARINT);
  out.byte(value ? 1 : 0);
}

export function fixed32(out: Bytes, field: number, value: number): void {
  tag(out, field, FIXED32);
  out.room(4);
  out.view.setUint32(out.at, value, true);
  out.at += 4;
}

/** Writes a whole number in 64 bits. */
export function sfixed64(out: Bytes, field: number, value: number): void {
  tag(out, field, FIXED64);
  rawFixed64(out, value);
}

export function rawFixed64(out: Bytes, value: number): void {
  out.room(8);
  out.view.setBigInt64(out.at, BigInt(value), true);
  out.at += 8;
}

export function double(out: Bytes, field: number, value: number): void {
  tag(out, field, FIXED64);
  rawDouble(out, value);
}

export function rawDouble(out: Bytes, value: number): void {
  out.room(8);
  out.view.setFloat64(out.at, value, true);
  out.at += 8;
}

/** Writes an instant as nanoseconds in 64 bits: two halves of 32, without a BigInt. */
export function time(out: Bytes, field: number, [s, ns]: HrTime): void {
  tag(out, field, FIXED64);
  out.room(8);
  const seconds = Math.max(s, 0);
  const low = (seconds % 2 ** 16) * 1e9 + ns;
  const carry = Math.floor(low / 2 ** 16);
  const high = Math.floor(seconds / 2 ** 16) * 1e9 + carry;
  out.view.setUint16(out.at, low % 2 ** 16, true);
  out.view.setUint16(out.at + 2, high % 2 ** 16, true);
  out.view.setUint32(out.at + 4, Math.floor(high / 2 ** 16), true);
  out.at += 8;
}

/** Writes text, also the empty one. */
export function string(out: Bytes, field: number, text: string): void {
  const start = open(out, field);
  if (text.length > SHORT_TEXT || !shortAscii(out, text)) out.utf8(text);
  close(out, start);
}

/** Copies short text while it is ASCII; leaves the position alone when it is not. */
function shortAscii(out: Bytes, text: string): boolean {
  out.room(SHORT_TEXT);
  const { buffer, at } = out;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return false;
    buffer[at + i] = code;
  }
  out.at += text.length;
  return true;
}

/** Writes text, unless it is empty, the default. */
export function optionalString(
  out: Bytes,
  field: number,
  text: string | undefined,
): void {
  if (text) string(out, field, text);
}

/** Writes the bytes of an id in hexadecimal. */
export function id(out: Bytes, field: number, hex: string): void {
  const start = open(out, field);
  out.room(hex.length / 2);
  for (let i = 0; i < hex.length; i += 2) {
    const high = digit(hex.charCodeAt(i));
    out.buffer[out.at++] = high << 4 | digit(hex.charCodeAt(i + 1));
  }
  close(out, start);
}

function digit(code: number): number {
  return code < 58 ? code - 48 : (code | 32) - 87;
}

/** Writes attributes, each as one element of a repeated field. */
export function attributes(
  out: Bytes,
  field: number,
  { keys, values }: AttributeList,
): void {
  for (let i = 0; i < keys.length; i++) {
    attribute(out, field, keys[i]!, values[i]!);
  }
}

function attribute(
  out: Bytes,
  field: number,
  key: string,
  value: AttributeValue,
): void {
  const start = open(out, field);
  const known = cache.get(key, value);
  if (known !== undefined) out.put(known);
  else {
    keyValue(out, key, value);
    if (cache.accepts(key, value, out.at - start)) {
      cache.set(key, value, out.since(start));
    }
  }
  close(out, start);
}

function keyValue(out: Bytes, key: string, value: AttributeValue): void {
  string(out, 1, key);
  nested(out, 2, value);
}

function nested(out: Bytes, field: number, value: AttributeValue): void {
  const start = open(out, field);
  anyValue(out, value);
  close(out, start);
}

function anyValue(out: Bytes, value: AttributeValue): void {
  switch (typeof value) {
    case "string":
      return string(out, 1, value);
    case "boolean":
      return bool(out, 2, value);
    case "number":
      return isInt64(value) ? int64(out, value) : double(out, 4, value);
    case "bigint":
      return int64(out, value);
  }
  if (value === null) return;
  if (value instanceof Uint8Array) {
    tag(out, 7, LENGTH_DELIMITED);
    varint(out, value.length);
    return out.put(value);
  }
  const isList = Array.isArray(value);
  const start = open(out, isList ? 5 : 6);
  if (isList) { for (const item of value) nested(out, 1, item); }
  else {
    for (const [key, item] of Object.entries(value)) {
      const entry = open(out, 1);
      keyValue(out, key, item);
      close(out, entry);
    }
  }
  close(out, start);
}

function int64(out: Bytes, value: number | bigint): void {
  tag(out, 3, VARINT);
  if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value)) {
    return varint(out, value);
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    out.byte(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.byte(Number(rest));
}

/** Writes the instrumentation scope. */
export function library(
  out: Bytes,
  field: number,
  { name, version }: Library,
): void {
  const start = open(out, field);
  optionalString(out, 1, name);
  optionalString(out, 2, version);
  close(out, start);
}
