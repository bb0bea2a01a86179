import type { SpanContext } from "@opentelemetry/api";
import { isSpanContextValid } from "../w3c/api.ts";
import { POOL_BYTES } from "./bounds.ts";

let pool = "";
let used = 0;

/** A random trace id: 32 hexadecimal digits, all of them random, as W3C's random flag promises. */
export function newTraceId(): string {
  return take(32);
}

/** A random span id: 16 hexadecimal digits. */
export function newSpanId(): string {
  return take(16);
}

// The tasks of a drain have one parent and one link in common.
let last: SpanContext | undefined;
let before: SpanContext | undefined;

/** Whether there can be such a span; of those that were asked for last, it is known. */
export function isValid(context: SpanContext): boolean {
  if (context === last || context === before) return true;
  if (!isSpanContextValid(context)) return false;
  before = last;
  last = context;
  return true;
}

/** Cuts ids out of a pool of random digits: one call of the host for 128 spans. */
function take(length: number): string {
  if (used + length > pool.length) refill();
  return pool.slice(used, used += length);
}

/** No id of the new digits is invalid. */
function refill(): void {
  const bytes: Bytes = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
  pool = bytes.toHex?.() ?? Array.from(bytes, hex).join("");
  used = 0;
  if (pool.includes("0".repeat(16))) refill();
}

function hex(byte: number): string {
  return (256 + byte).toString(16).slice(1);
}

/** Newer hosts write hexadecimal themselves, many times as fast. */
type Bytes = Uint8Array & { toHex?(): string };
