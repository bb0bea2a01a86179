import type {
  SamplingDecision,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  ValueType,
} from "@opentelemetry/api";

// The API's enumerations by their numbers, which a bundler writes in place: the API's own are objects, and looked up.
// The types prove the numbers.

export const KIND_INTERNAL: SpanKind.INTERNAL = 0;
export const KIND_SERVER: SpanKind.SERVER = 1;
export const KIND_CLIENT: SpanKind.CLIENT = 2;

export const STATUS_UNSET: SpanStatusCode.UNSET = 0;
export const STATUS_OK: SpanStatusCode.OK = 1;
export const STATUS_ERROR: SpanStatusCode.ERROR = 2;

export const SAMPLED: TraceFlags.SAMPLED = 1;

export const NOT_RECORD: SamplingDecision.NOT_RECORD = 0;
export const RECORD_AND_SAMPLED: SamplingDecision.RECORD_AND_SAMPLED = 2;

export const VALUE_INT: ValueType.INT = 0;
