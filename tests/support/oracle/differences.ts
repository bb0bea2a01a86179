/** Where we differ from the official serializers, attribute by attribute. */
import type { Message } from "../otlp_wire.ts";

/** A value that an official serializer gets wrong, or writes otherwise than we do. */
export interface Difference {
  readonly name: string;
  readonly value: unknown;
  /** What both of our encodings say. */
  readonly ours: Message;
  /** What the official JSON says; as ours when it is not given. */
  readonly json?: Message;
  /** What the official protobuf says; as ours when it is not given. */
  readonly protobuf?: Message | undefined;
}

/** All of them. */
export const DIFFERENCES: readonly Difference[] = [
  ...[NaN, Infinity, -Infinity].map((value) => ({
    name: `${value}: the official JSON has null, which a Collector refuses`,
    value,
    ours: { doubleValue: String(value) },
    json: { doubleValue: null },
  })),
  {
    name: "1e21: officially an integer, cut to 64 bits, or too large for them",
    value: 1e21,
    ours: { doubleValue: 1e21 },
    json: { intValue: 1e21 },
    protobuf: { intValue: "3875820019684212736" },
  },
  {
    name: "2^63: officially an integer, which turns negative or is too large",
    value: 2 ** 63,
    ours: { doubleValue: 2 ** 63 },
    json: { intValue: 2 ** 63 },
    protobuf: { intValue: "-9223372036854775808" },
  },
  {
    name: "-2^63: the official JSON has a number where OTLP has digits",
    value: -(2 ** 63),
    ours: { intValue: "-9223372036854775808" },
    json: { intValue: -(2 ** 63) },
  },
  {
    name: "42: the official JSON has a number where OTLP has digits",
    value: 42,
    ours: { intValue: "42" },
    json: { intValue: 42 },
  },
  {
    name: "a bigint: officially the empty value",
    value: 2n ** 63n - 1n,
    ours: { intValue: "9223372036854775807" },
    json: {},
    protobuf: undefined,
  },
  {
    name: "a bigint beyond 64 bits: its digits as text, officially nothing",
    value: 2n ** 64n,
    ours: { stringValue: "18446744073709551616" },
    json: {},
    protobuf: undefined,
  },
  {
    name: "a lone surrogate: U+FFFD, officially passed on",
    value: "a\ud800b",
    ours: { stringValue: "a\ufffdb" },
    json: { stringValue: "a\ud800b" },
    // three bytes that are no UTF-8
    protobuf: { stringValue: "a\ufffd\ufffd\ufffdb" },
  },
  {
    name: "bytes: base64, in the official JSON an object",
    value: new Uint8Array([1, 2]),
    ours: { bytesValue: "AQI=" },
    json: { bytesValue: { "0": 1, "1": 2 } },
  },
];
