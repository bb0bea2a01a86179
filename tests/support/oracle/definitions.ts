/** The official definitions, generated from opentelemetry-proto, and the official serializers: `@opentelemetry/otlp-transformer` has both. */
import { assertEquals } from "@std/assert";
import type { Message } from "../otlp_wire.ts";
import { required } from "../required.ts";

/** A message type of the generated definitions. */
export interface Definition {
  fromObject(object: object): object;
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): Message;
}

/** Writes requests. */
export interface Official {
  readonly serializeRequest: (request: unknown) => Uint8Array;
}

type Serializers = Readonly<
  Record<
    | "JsonTraceSerializer"
    | "ProtobufTraceSerializer"
    | "JsonMetricsSerializer"
    | "ProtobufMetricsSerializer",
    Official
  >
>;

const transformer = "@opentelemetry/otlp-transformer";
const { opentelemetry: { proto: { collector } } } = required<{
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: {
        readonly trace: {
          readonly v1: { readonly ExportTraceServiceRequest: Definition };
        };
        readonly metrics: {
          readonly v1: { readonly ExportMetricsServiceRequest: Definition };
        };
      };
    };
  };
}>(`${transformer}/build/src/generated/root.js`);
/** The official serializers. */
export const official: Serializers = required(transformer);

export const Traces: Definition = collector.trace.v1.ExportTraceServiceRequest;
export const MetricsRequest: Definition =
  collector.metrics.v1.ExportMetricsServiceRequest;

/** Members whose presence says something even when they are empty, 0 or false. */
const PRESENT: ReadonlySet<string> = new Set([
  ...["stringValue", "boolValue", "intValue", "doubleValue", "bytesValue"],
  ...["arrayValue", "kvlistValue", "asInt", "asDouble", "sum", "min", "max"],
]);

/** A message in one spelling: in the definitions' order, without what means the same when it is not there. */
export function canonical(type: Definition, message: object): Message {
  const options = { longs: String, bytes: String, json: true };
  return prune(type.toObject(message, options)) as Message;
}

function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value)
    .map(([key, member]) => [key, prune(member)] as const)
    .filter(([key, member]) => PRESENT.has(key) || !isDefault(member));
  return Object.fromEntries(members);
}

function isDefault(value: unknown): boolean {
  return value === 0 || value === "0" || value === "" || value === false ||
    (typeof value === "object" && value !== null &&
      Object.keys(value).length === 0);
}

/** Fails unless a message says what is expected. */
export function assertSame(
  type: Definition,
  message: object,
  expected: Message,
): void {
  const actual = canonical(type, message);
  // quick: showing what differs is for when something does
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  assertEquals(actual, expected);
  throw new Error("The messages differ in the order of their members only");
}
