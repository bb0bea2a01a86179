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

/** Writes all that is exported. */
export interface Encoding {
  readonly contentType: string;
  readonly encode: { readonly [Name in keyof Items]: Encode<Items[Name]> };
}

/** The encoding of a protocol. */
export function encodingOf(protocol: Protocol): Encoding {
  const isJson = protocol === "http/json";
  const encode =
    <Item>(write: Encode<Item, void>): Encode<Item> => (...parts) => {
      begin(isJson);
      write(...parts);
      return end();
    };
  return {
    contentType: isJson ? "application/json" : "application/x-protobuf",
    encode: { traces: encode(writeTraces), metrics: encode(writeMetrics) },
  };
}
