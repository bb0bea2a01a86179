// What is called of the OpenTelemetry API: a bundle repeats the import of a package in each file that has one, so few do.

export {
  context,
  diag,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
