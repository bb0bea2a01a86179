import type { Sampler } from "@opentelemetry/api";
import { safely } from "../core/safely.ts";
import { diag } from "../w3c/api.ts";
import { LONGEST_MS } from "./bounds.ts";
import { parseUrl, type TelemetryOptions } from "./options.ts";
import { alwaysOff, alwaysOn, parentBased, ratio } from "./sampler.ts";

/**
 * A variable a line: its name after `OTEL_`, the option that it sets, and what is expected: a word of several, or what
 * one of the {@link READERS} reads, by default an integer. A star stands for each signal and for nothing. Of two for the
 * same option or the same variable, the earlier wins.
 */
const VARIABLES = `SDK_DISABLED disabled true|false
SERVICE_NAME serviceName text
RESOURCE_ATTRIBUTES resource. key=value
PROPAGATORS propagators tracecontext,baggage
TRACES_SAMPLER root always_on|always_off|traceidratio|parentbased_always_on|parentbased_always_off|parentbased_traceidratio
TRACES_SAMPLER_ARG share 0..1
TRACES_EXPORTER traces.exporter otlp|console|none
METRICS_EXPORTER metrics.exporter otlp|console|none
SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT limits.valueLength
ATTRIBUTE_VALUE_LENGTH_LIMIT limits.valueLength
SPAN_ATTRIBUTE_COUNT_LIMIT limits.attributes
ATTRIBUTE_COUNT_LIMIT limits.attributes
SPAN_EVENT_COUNT_LIMIT limits.events
SPAN_LINK_COUNT_LIMIT limits.links
EVENT_ATTRIBUTE_COUNT_LIMIT limits.eventAttributes
LINK_ATTRIBUTE_COUNT_LIMIT limits.linkAttributes
BSP_MAX_QUEUE_SIZE maxSpans
METRIC_EXPORT_INTERVAL metricsEveryMs
METRICS_EXEMPLAR_FILTER exemplars trace_based|always_on|always_off
EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE temporality delta|cumulative|lowmemory
EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION histogram explicit_bucket_histogram
EXPORTER_OTLP_ENDPOINT endpoint url
EXPORTER_OTLP_*ENDPOINT *url url
EXPORTER_OTLP_*HEADERS *headers. key=value
EXPORTER_OTLP_*PROTOCOL *protocol http/protobuf|http/json
EXPORTER_OTLP_*COMPRESSION *compression none|gzip
EXPORTER_OTLP_*TIMEOUT *timeoutMs milliseconds
BSP_EXPORT_TIMEOUT traces.timeoutMs milliseconds
METRIC_EXPORT_TIMEOUT metrics.timeoutMs milliseconds`;

type Found = Record<string, unknown>;

/** Each throws when it cannot read a text. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  text: String,
  "key=value": pairs,
  "0..1": (text) => ratio(Number(text)),
  "tracecontext,baggage": propagators,
  integer,
  milliseconds: (text) => integer(text) || LONGEST_MS,
  url: (text) => parseUrl(text).href,
};

/**
 * Reads OpenTelemetry's variables, under what the code says. As the specification demands, what is empty counts as
 * unset, and what cannot be understood is reported through `diag` and ignored; so is what has no meaning here.
 */
export function readEnv(
  env: object,
  options: TelemetryOptions = {},
): TelemetryOptions {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    const text = typeof value === "string" && value.trim();
    if (text && name.startsWith("OTEL_")) texts.set(name, text);
  }
  const found: Found = { ...options };
  for (const line of VARIABLES.split("\n")) {
    for (const signal of ["traces.", "metrics.", ""]) {
      const [suffix = "", option = "", expected = "integer"] = line.split(" ");
      const name = `OTEL_${suffix.replace("*", signal)}`
        .toUpperCase().replace(".", "_");
      const text = texts.get(name);
      if (!texts.delete(name)) continue;
      const value = safely(() => read(`${text}`, expected));
      if (value === undefined) ignored(name, `expected ${expected}`);
      else set(found, option.replace("*", signal), value);
    }
  }
  for (const name of texts.keys()) ignored(name, "unsupported");
  const { root, share, disabled, ...rest } = found;
  return {
    ...(root ? { sampler: makeSampler(`${root}`, share as Sampler) } : {}),
    ...rest,
    disabled: `${disabled}` === "true",
  };
}

function read(text: string, expected: string): unknown {
  const reader = READERS[expected];
  return reader
    ? reader(text)
    : expected.split("|").find((word) => word === text.toLowerCase());
}

/** Says which variable is ignored, not what it holds: that may be secret. */
function ignored(name: string, why: string): void {
  diag.warn(`Ignored ${name}: ${why}`);
}

/** Sets an option, or a member of one that is a record, unless it is set; a point alone stands for all its members. */
function set(found: Found, option: string, value: unknown): void {
  const [name = "", member] = option.split(".");
  const given = found[name] as Found | false | undefined;
  const more = member ? { [member]: value } : value as Found;
  if (member === undefined) found[name] ??= value;
  else if (given !== false) found[name] = { ...more, ...given };
}

function makeSampler(name: string, share: Sampler = ratio(1)): Sampler {
  const root = name.endsWith("on")
    ? alwaysOn
    : name.endsWith("off")
    ? alwaysOff
    : share;
  return name.startsWith("parent") ? parentBased(root) : root;
}

function integer(text: string): number {
  const [digits] = /^\d+$/.exec(text)!;
  return Math.min(Number(digits), LONGEST_MS);
}

/** Those that are known. */
function propagators(text: string): string[] {
  return text.toLowerCase().split(",").map((name) => name.trim()).filter(
    (name) =>
      /^(tracecontext|baggage|none)$/.test(name) ||
      ignored("a part of OTEL_PROPAGATORS", "unsupported"),
  );
}

/** `key=value,key=value`, both percent-encoded. */
function pairs(text: string): Record<string, string> {
  const members = text.split(",").filter((member) => member.trim());
  return Object.fromEntries(members.map((member) => {
    const [, ...pair] = /^\s*([^=\s][^=]*)=(.*)$/s.exec(member)!;
    return pair.map((part) => decodeURIComponent(part.trim()));
  }));
}
