// OTLP's encodings in numbers, which a bundler writes in place.

export const QUOTE = 34;
export const COMMA = 44;
export const ZERO = 48;
export const OPEN_LIST = 91;
export const BACKSLASH = 92;
export const CLOSE_LIST = 93;
export const OPEN = 123;
export const CLOSE = 125;

/** Protobuf's ways to write a field. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** OTLP's temporalities. */
export const DELTA = 1;
export const CUMULATIVE = 2;
