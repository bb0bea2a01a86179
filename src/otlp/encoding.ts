import type { AttributeList } from "./attributes.ts";
import { Bytes } from "./bytes.ts";
import { writeMetrics as writeJsonMetrics } from "./json_metrics.ts";
import { writeTraces as writeJsonTraces } from "./json_traces.ts";
import type { Metric } from "./metric.ts";
import { writeMetrics as writeProtobufMetrics } from "./protobuf_metrics.ts";
import { writeTraces as writeProtobufTraces } from "./protobuf_traces.ts";
import type { EdgeSpan } from "./span.ts";

/** How OTLP/HTTP writes its requests. */
export type Protocol = "http/protobuf" | "http/json";

/** Writes one kind of request. */
export type Encode<Item> = (
  resource: AttributeList,
  items: readonly Item[],
) => Uint8Array<ArrayBuffer>;

/** What each signal sends. */
export interface Items {
  readonly traces: EdgeSpan;
  readonly metrics: Metric;
}

/** Writes all that is exported. */
export interface Encoding {
  readonly contentType: string;
  readonly encode: { readonly [Name in keyof Items]: Encode<Items[Name]> };
}

/** The encoding of a protocol. */
export function encodingOf(protocol: Protocol): Encoding {
  return protocol === "http/json" ? JSON_ENCODING : PROTOBUF_ENCODING;
}

const scratch = /* @__PURE__ */ new Bytes();

const JSON_ENCODING: Encoding = {
  contentType: "application/json",
  encode: {
    traces: (resource, spans) => write(writeJsonTraces, resource, spans),
    metrics: (resource, metrics) => write(writeJsonMetrics, resource, metrics),
  },
};

const PROTOBUF_ENCODING: Encoding = {
  contentType: "application/x-protobuf",
  encode: {
    traces: (resource, spans) => write(writeProtobufTraces, resource, spans),
    metrics: (resource, metrics) =>
      write(writeProtobufMetrics, resource, metrics),
  },
};

/** Encodes into the one buffer that is kept: encoding never waits, so nobody else writes meanwhile. */
function write<Item>(
  writer: (out: Bytes, ...args: Parameters<Encode<Item>>) => void,
  resource: AttributeList,
  items: readonly Item[],
): Uint8Array<ArrayBuffer> {
  scratch.at = 0;
  writer(scratch, resource, items);
  return scratch.finish();
}
