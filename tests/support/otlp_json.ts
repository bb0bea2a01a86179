/** Reads OTLP's JSON as strictly as a sender has to write it. */
import {
  type Message,
  metrics,
  type Scalar,
  type Schema,
  traces,
} from "./otlp_wire.ts";

const text = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads an `ExportTraceServiceRequest` in JSON into what an encoder of protobuf takes: ids and bytes as bytes,
 * doubles as numbers. Throws at whatever proto3's JSON, or OTLP's rules for it, does not allow a sender.
 */
export function readTraces(bytes: Uint8Array): Message {
  return readJson(bytes, traces);
}

/** Reads an `ExportMetricsServiceRequest` likewise. */
export function readMetrics(bytes: Uint8Array): Message {
  return readJson(bytes, metrics);
}

function readJson(bytes: Uint8Array, schema: Schema): Message {
  const json = text.decode(bytes);
  const parsed: unknown = JSON.parse(json);
  // else a key is there twice, or something is not written in the shortest way
  if (JSON.stringify(parsed) !== json) throw new TypeError("No plain JSON");
  return fromJson(parsed, schema);
}

function fromJson(value: unknown, schema: Schema): Message {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`Cannot read a message from ${JSON.stringify(value)}`);
  }
  const fields = Object.values(schema);
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const field = fields.find(([name]) => name === key);
      if (field === undefined) throw new TypeError(`Cannot read "${key}"`);
      const [, type, many] = field;
      const one = (item: unknown): unknown =>
        typeof type === "function"
          ? fromJson(item, type())
          : scalarFromJson(item, type);
      if (!many) return [key, one(member)];
      if (!Array.isArray(member)) throw new TypeError(`"${key}" is no list`);
      return [key, member.map(one)];
    }),
  );
}

const DECIMAL = /^(?:0|-?[1-9][0-9]*)$/;
const BASE64 =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ID = /^(?:[0-9a-f]{16}){1,2}$/;
const NOT_FINITE: readonly unknown[] = ["NaN", "Infinity", "-Infinity"];

function scalarFromJson(value: unknown, type: Scalar): unknown {
  const isText = typeof value === "string";
  switch (type) {
    case "string":
      if (isText && value.isWellFormed()) return value;
      break;
    case "id":
      if (isText && ID.test(value)) return Uint8Array.fromHex(value);
      break;
    case "bytes":
      if (isText && BASE64.test(value)) return Uint8Array.fromBase64(value);
      break;
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "uint32":
    case "fixed32":
      if (typeof value === "number" && value >>> 0 === value) return value;
      break;
    case "int64":
    case "sfixed64":
      if (
        isText && DECIMAL.test(value) && fits(value, -(2n ** 63n), 2n ** 63n)
      ) {
        return value;
      }
      break;
    case "fixed64":
      if (isText && DECIMAL.test(value) && fits(value, 0n, 2n ** 64n)) {
        return value;
      }
      break;
    case "double":
      if (typeof value === "number") return value;
      if (NOT_FINITE.includes(value)) return Number(value);
      break;
  }
  throw new TypeError(`Cannot read a ${type} from ${JSON.stringify(value)}`);
}

function fits(digits: string, least: bigint, end: bigint): boolean {
  return BigInt(digits) >= least && BigInt(digits) < end;
}
