import type { HrTime } from "@opentelemetry/api";
import { AttributeCache } from "./attribute_cache.ts";
import {
  type AttributeList,
  type AttributeValue,
  isInt64,
} from "./attributes.ts";
import type { Bytes } from "./bytes.ts";
import type { Library } from "./resource.ts";

const QUOTE = 34;
const COMMA = 44;
const ZERO = 48;
const BACKSLASH = 92;
const SHORT_TEXT = 100;

const cache = /* @__PURE__ */ new AttributeCache();

/** Writes a JSON string; lone surrogates become U+FFFD. */
export function string(out: Bytes, text: string): void {
  if (text.length > SHORT_TEXT || !shortPlain(out, text)) {
    out.utf8(JSON.stringify(text.toWellFormed()));
  }
}

/** Copies short text while nothing in it needs escaping; leaves the position alone when something does. */
function shortPlain(out: Bytes, text: string): boolean {
  out.room(SHORT_TEXT + 2);
  const { buffer } = out;
  let at = out.at;
  buffer[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code > 126 || code === QUOTE || code === BACKSLASH) {
      return false;
    }
    buffer[at++] = code;
  }
  buffer[at++] = QUOTE;
  out.at = at;
  return true;
}

/** Writes a double; JSON has no other way for what is not finite than a string. */
export function double(out: Bytes, value: number): void {
  out.ascii(Number.isFinite(value) ? String(value) : `"${value}"`);
}

/** Writes an instant as the string of its nanoseconds. */
export function time(out: Bytes, [seconds, nanos]: HrTime): void {
  out.byte(QUOTE);
  if (seconds <= 0) out.ascii(String(nanos));
  else {
    out.ascii(String(seconds));
    out.room(9);
    let rest = nanos;
    for (let i = 8; i >= 0; i--) {
      out.buffer[out.at + i] = ZERO + rest % 10;
      rest = Math.trunc(rest / 10);
    }
    out.at += 9;
  }
  out.byte(QUOTE);
}

/** Writes a list, each item by `write`. */
export function list<T>(
  out: Bytes,
  items: readonly T[],
  write: (out: Bytes, item: T) => void,
): void {
  out.literal("[");
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out.byte(COMMA);
    write(out, items[i]!);
  }
  out.literal("]");
}

/** Writes attributes as a list of keys and values. */
export function attributes(
  out: Bytes,
  { keys, values }: AttributeList,
): void {
  out.literal("[");
  for (let i = 0; i < keys.length; i++) {
    if (i > 0) out.byte(COMMA);
    attribute(out, keys[i]!, values[i]!);
  }
  out.literal("]");
}

function attribute(out: Bytes, key: string, value: AttributeValue): void {
  const known = cache.get(key, value);
  if (known !== undefined) return out.put(known);
  const start = out.at;
  keyValue(out, [key, value]);
  if (cache.accepts(key, value, out.at - start)) {
    cache.set(key, value, out.since(start));
  }
}

function keyValue(out: Bytes, [key, value]: [string, AttributeValue]): void {
  out.literal(`{"key":`);
  string(out, key);
  out.literal(`,"value":`);
  anyValue(out, value);
  out.literal("}");
}

function anyValue(out: Bytes, value: AttributeValue): void {
  switch (typeof value) {
    case "string":
      out.literal(`{"stringValue":`);
      string(out, value);
      return out.literal("}");
    case "boolean":
      return out.ascii(`{"boolValue":${value}}`);
    case "number":
      if (isInt64(value)) return out.ascii(`{"intValue":"${digits(value)}"}`);
      out.literal(`{"doubleValue":`);
      double(out, value);
      return out.literal("}");
    case "bigint":
      return out.ascii(`{"intValue":"${value}"}`);
  }
  if (value === null) return out.literal("{}");
  if (value instanceof Uint8Array) {
    return out.ascii(`{"bytesValue":"${base64(value)}"}`);
  }
  if (Array.isArray(value)) {
    out.literal(`{"arrayValue":{"values":`);
    list(out, value, anyValue);
  } else {
    out.literal(`{"kvlistValue":{"values":`);
    list(out, Object.entries(value), keyValue);
  }
  out.literal("}}");
}

/** The exact digits of a whole number. */
export function digits(value: number): string {
  return String(Number.isSafeInteger(value) ? value : BigInt(value));
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Writes a member with its leading comma, unless the text is empty. */
export function optionalString(
  out: Bytes,
  name: string,
  text: string | undefined,
): void {
  if (!text) return;
  out.ascii(`,"${name}":`);
  string(out, text);
}

/** Writes a member with its leading comma, unless the number is zero. */
export function optionalNumber(out: Bytes, name: string, value: number): void {
  if (value !== 0) out.ascii(`,"${name}":${value}`);
}

/** Writes the instrumentation scope. */
export function library(out: Bytes, { name, version }: Library): void {
  out.literal(`{"name":`);
  string(out, name);
  optionalString(out, "version", version);
  out.literal("}");
}
