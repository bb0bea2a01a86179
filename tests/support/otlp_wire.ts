/** Reads OTLP's protobuf into the shape of its JSON, from the field numbers of opentelemetry-proto 1.x alone. */

/** A message in the shape of OTLP's JSON. */
export type Message = Record<string, unknown>;

/** How a member without members is written. */
export type Scalar =
  | "string"
  | "id"
  | "bytes"
  | "bool"
  | "uint32"
  | "int64"
  | "fixed32"
  | "fixed64"
  | "sfixed64"
  | "double";

/** A field's name, how it is written, and whether it repeats. */
export type Field = readonly [
  name: string,
  type: Scalar | (() => Schema),
  many?: "*",
];

/** A message's fields, by their numbers. */
export type Schema = Readonly<Record<number, Field>>;

const anyValue: Schema = {
  1: ["stringValue", "string"],
  2: ["boolValue", "bool"],
  3: ["intValue", "int64"],
  4: ["doubleValue", "double"],
  5: ["arrayValue", () => ({ 1: ["values", () => anyValue, "*"] })],
  6: ["kvlistValue", () => ({ 1: ["values", () => keyValue, "*"] })],
  7: ["bytesValue", "bytes"],
};

const keyValue: Schema = {
  1: ["key", "string"],
  2: ["value", () => anyValue],
};

const resource: Schema = {
  1: ["attributes", () => keyValue, "*"],
  2: ["droppedAttributesCount", "uint32"],
};

const library: Schema = { 1: ["name", "string"], 2: ["version", "string"] };

const event: Schema = {
  1: ["timeUnixNano", "fixed64"],
  2: ["name", "string"],
  3: ["attributes", () => keyValue, "*"],
  4: ["droppedAttributesCount", "uint32"],
};

const link: Schema = {
  1: ["traceId", "id"],
  2: ["spanId", "id"],
  3: ["traceState", "string"],
  4: ["attributes", () => keyValue, "*"],
  5: ["droppedAttributesCount", "uint32"],
  6: ["flags", "fixed32"],
};

const span: Schema = {
  1: ["traceId", "id"],
  2: ["spanId", "id"],
  3: ["traceState", "string"],
  4: ["parentSpanId", "id"],
  5: ["name", "string"],
  6: ["kind", "uint32"],
  7: ["startTimeUnixNano", "fixed64"],
  8: ["endTimeUnixNano", "fixed64"],
  9: ["attributes", () => keyValue, "*"],
  10: ["droppedAttributesCount", "uint32"],
  11: ["events", () => event, "*"],
  12: ["droppedEventsCount", "uint32"],
  13: ["links", () => link, "*"],
  14: ["droppedLinksCount", "uint32"],
  15: ["status", () => ({ 2: ["message", "string"], 3: ["code", "uint32"] })],
  16: ["flags", "fixed32"],
};

const exemplar: Schema = {
  2: ["timeUnixNano", "fixed64"],
  3: ["asDouble", "double"],
  4: ["spanId", "id"],
  5: ["traceId", "id"],
  6: ["asInt", "sfixed64"],
  7: ["filteredAttributes", () => keyValue, "*"],
};

const numberPoint: Schema = {
  2: ["startTimeUnixNano", "fixed64"],
  3: ["timeUnixNano", "fixed64"],
  4: ["asDouble", "double"],
  5: ["exemplars", () => exemplar, "*"],
  6: ["asInt", "sfixed64"],
  7: ["attributes", () => keyValue, "*"],
};

const histogramPoint: Schema = {
  2: ["startTimeUnixNano", "fixed64"],
  3: ["timeUnixNano", "fixed64"],
  4: ["count", "fixed64"],
  5: ["sum", "double"],
  6: ["bucketCounts", "fixed64", "*"],
  7: ["explicitBounds", "double", "*"],
  8: ["exemplars", () => exemplar, "*"],
  9: ["attributes", () => keyValue, "*"],
  11: ["min", "double"],
  12: ["max", "double"],
};

const metric: Schema = {
  1: ["name", "string"],
  2: ["description", "string"],
  3: ["unit", "string"],
  5: ["gauge", () => ({ 1: ["dataPoints", () => numberPoint, "*"] })],
  7: ["sum", () => ({
    1: ["dataPoints", () => numberPoint, "*"],
    2: ["aggregationTemporality", "uint32"],
    3: ["isMonotonic", "bool"],
  })],
  9: ["histogram", () => ({
    1: ["dataPoints", () => histogramPoint, "*"],
    2: ["aggregationTemporality", "uint32"],
  })],
};

function request(
  kind: string,
  inner: string,
  item: string,
  of: Schema,
): Schema {
  const perLibrary: Schema = {
    1: ["scope", () => library],
    2: [item, () => of, "*"],
    3: ["schemaUrl", "string"],
  };
  const perResource: Schema = {
    1: ["resource", () => resource],
    2: [inner, () => perLibrary, "*"],
    3: ["schemaUrl", "string"],
  };
  return { 1: [kind, () => perResource, "*"] };
}

export const traces: Schema = request(
  "resourceSpans",
  "scopeSpans",
  "spans",
  span,
);
export const metrics: Schema = request(
  "resourceMetrics",
  "scopeMetrics",
  "metrics",
  metric,
);

/** Reads an `ExportTraceServiceRequest`. */
export function decodeTraces(bytes: Uint8Array): Message {
  return decode(bytes, traces);
}

/** Reads an `ExportMetricsServiceRequest`. */
export function decodeMetrics(bytes: Uint8Array): Message {
  return decode(bytes, metrics);
}

const text = new TextDecoder("utf-8", { fatal: true });

/** Reads a message; throws where the bytes do not fit the schema. */
function decode(bytes: Uint8Array, schema: Schema): Message {
  const reader = new Reader(bytes);
  const message: Message = {};
  while (!reader.ended) {
    const tag = Number(reader.varint());
    const wire = tag & 7;
    const field = schema[tag >>> 3];
    if (field === undefined) {
      throw new TypeError(`Cannot read a field with the number ${tag >>> 3}`);
    }
    const [name, type, many] = field;
    const values = typeof type === "function"
      ? [decode(reader.bytes(wire), type())]
      : wire === 2 && many
      ? packed(reader.bytes(wire), type)
      : [scalar(reader, wire, type)];
    if (many) message[name] = [...(message[name] as [] ?? []), ...values];
    else message[name] = values[0];
  }
  return message;
}

function packed(bytes: Uint8Array, type: Scalar): unknown[] {
  const reader = new Reader(bytes);
  const values = [];
  while (!reader.ended) values.push(scalar(reader, WIRES[type], type));
  return values;
}

const WIRES: Readonly<Record<Scalar, number>> = {
  string: 2,
  id: 2,
  bytes: 2,
  bool: 0,
  uint32: 0,
  int64: 0,
  fixed32: 5,
  fixed64: 1,
  sfixed64: 1,
  double: 1,
};

function scalar(reader: Reader, wire: number, type: Scalar): unknown {
  if (wire !== WIRES[type]) {
    throw new TypeError(`Cannot read a ${type} from wire type ${wire}`);
  }
  switch (type) {
    case "string":
      return text.decode(reader.bytes(wire));
    case "id":
      return hex(reader.bytes(wire));
    case "bytes":
      return btoa(String.fromCharCode(...reader.bytes(wire)));
    case "bool":
      return reader.varint() === 1n;
    case "uint32":
      return Number(reader.varint());
    case "int64":
      return String(BigInt.asIntN(64, reader.varint()));
    case "fixed32":
      return reader.view(4).getUint32(0, true);
    case "fixed64":
      return String(reader.view(8).getBigUint64(0, true));
    case "sfixed64":
      return String(reader.view(8).getBigInt64(0, true));
    case "double":
      return reader.view(8).getFloat64(0, true);
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new TypeError("Cannot read a number of more than ten bytes");
  }

  bytes(wire: number): Uint8Array {
    if (wire !== 2) throw new TypeError(`Cannot read bytes from wire ${wire}`);
    return this.#take(Number(this.varint()));
  }

  view(length: number): DataView {
    const { buffer, byteOffset } = this.#take(length);
    return new DataView(buffer, byteOffset, length);
  }

  #take(length: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new TypeError("The message is cut short");
    this.#at += length;
    return bytes;
  }
}
