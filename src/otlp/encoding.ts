import type { AttributeList } from "./attributes.ts";
import type { Metric } from "./metric.ts";
import { writeMetrics } from "./write_metrics.ts";
import { type ExportedSpan, writeTraces } from "./write_traces.ts";
import { begin, end } from "./writer.ts";

/** How OTLP/HTTP writes its requests. */
export type Protocol = "http/protobuf" | "http/json";

/** Writes one kind of request. */
export type Encode<Item, Result = Uint8Array<ArrayBuffer>> = (
  resource: AttributeList,
  items: readonly Item[],
) => Result;

/** What each signal sends. */
export interface Items {
  readonly traces: ExportedSpan;
  readonly metrics: Metric;
}

/** How one kind of request is written. */
export interface Encoding<Item> {
  readonly contentType: string;
  readonly encode: Encode<Item>;
}

const WRITERS: {
  readonly [Name in keyof Items]: Encode<Items[Name], void>;
} = { traces: writeTraces, metrics: writeMetrics };

/** The encoding of a signal's requests in a protocol. */
export function encodingOf<Name extends keyof Items>(
  name: Name,
  protocol: Protocol,
): Encoding<Items[Name]> {
  const isJson = protocol === "http/json";
  return {
    contentType: isJson ? "application/json" : "application/x-protobuf",
    encode(resource, items) {
      begin(isJson);
      WRITERS[name](resource, items);
      return end();
    },
  };
}
