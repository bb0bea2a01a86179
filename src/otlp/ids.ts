const TRACE_ID = 32;
const SPAN_ID = 16;
const POOL_BYTES = 2048;
const NO_TRACE = "0".repeat(TRACE_ID);
const NO_SPAN = "0".repeat(SPAN_ID);

const digits: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

let pool = "";
let used = 0;

/** A random trace id: 32 hexadecimal digits, all of them random, as W3C's random flag promises. */
export function newTraceId(): string {
  return take(TRACE_ID);
}

/** A random span id: 16 hexadecimal digits. */
export function newSpanId(): string {
  return take(SPAN_ID);
}

/** Cuts ids out of a pool of random digits: one call of the host for 128 spans. */
function take(length: number): string {
  if (used + length > pool.length) refill();
  const id = pool.slice(used, used += length);
  return id === NO_TRACE || id === NO_SPAN ? take(length) : id;
}

function refill(): void {
  const bytes = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
  pool = "";
  for (const byte of bytes) pool += digits[byte];
  used = 0;
}
