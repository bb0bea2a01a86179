import type { Sampler } from "@opentelemetry/api";
import { safely } from "../core/safely.ts";
import { diag } from "../w3c/api.ts";
import { LONGEST_MS } from "./bounds.ts";
import { parseUrl, type TelemetryOptions } from "./options.ts";
import { alwaysOff, alwaysOn, parentBased, ratio } from "./sampler.ts";

/**
 * A variable a line: its name after `OTEL_`, in lower case, which compresses better, the option that it sets, and what
 * is expected: a word of several, or what one of the {@link READERS} reads, by default an integer. A star stands for
 * each signal and for nothing. Of two for the same option or the same variable, the earlier wins.
 */
const VARIABLES = `sdk_disabled disabled true|false
service_name serviceName text
resource_attributes resource_ key=value
propagators propagators tracecontext,baggage
traces_sampler root always_on|always_off|traceidratio|parentbased_always_on|parentbased_always_off|parentbased_traceidratio
traces_sampler_arg share 0..1
traces_exporter traces_exporter otlp|console|none
metrics_exporter metrics_exporter otlp|console|none
span_attribute_value_length_limit limits_valueLength
attribute_value_length_limit limits_valueLength
span_attribute_count_limit limits_attributes
attribute_count_limit limits_attributes
span_event_count_limit limits_events
span_link_count_limit limits_links
event_attribute_count_limit limits_eventAttributes
link_attribute_count_limit limits_linkAttributes
bsp_max_queue_size maxSpans
metric_export_interval metricsEveryMs
metrics_exemplar_filter exemplars trace_based|always_on|always_off
exporter_otlp_metrics_temporality_preference temporality delta|cumulative|lowmemory
exporter_otlp_metrics_default_histogram_aggregation histogram explicit_bucket_histogram
exporter_otlp_endpoint endpoint url
exporter_otlp_*endpoint *url url
exporter_otlp_*headers *headers_ key=value
exporter_otlp_*protocol *protocol http/protobuf|http/json
exporter_otlp_*compression *compression none|gzip
exporter_otlp_*timeout *timeoutMs ms
bsp_export_timeout traces_timeoutMs ms
metric_export_timeout metrics_timeoutMs ms`;

type Found = Record<string, unknown>;

/** Each throws when it cannot read a text. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  text: String,
  "key=value": pairs,
  "0..1": (text) => ratio(Number(text)),
  "tracecontext,baggage": propagators,
  integer,
  ms: (text) => integer(text) || LONGEST_MS,
  url: (text) => parseUrl(text).href,
};

/**
 * Reads OpenTelemetry's variables, under what the code says. As the specification demands, what is empty counts as
 * unset, and what cannot be understood is reported through `diag` and ignored; so is what has no meaning here.
 *
 * @throws {TypeError} For an environment that has to be asked for its variables, such as Deno's.
 */
export function readEnv(
  env: object,
  options: TelemetryOptions = {},
): TelemetryOptions {
  if ("toObject" in env) {
    throw new TypeError("Cannot use env: expected env.toObject()");
  }
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    const text = typeof value === "string" && value.trim();
    if (text && name.startsWith("OTEL_")) texts.set(name, text);
  }
  const found: Found = { ...options };
  for (const line of VARIABLES.split("\n")) {
    for (const signal of ["traces_", "metrics_", ""]) {
      const [suffix, option = "", expected = "integer"] = line
        .replaceAll("*", signal).split(" ");
      const name = `OTEL_${suffix}`.toUpperCase();
      const text = texts.get(name);
      if (!text) continue;
      texts.delete(name);
      const value = safely(() =>
        READERS[expected]?.(text) ??
          expected.split("|").find((word) => word === text.toLowerCase())
      );
      if (value === undefined) ignored(name, `expected ${expected}`);
      else set(found, option, value);
    }
  }
  for (const name of texts.keys()) ignored(name);
  // histograms are made in one way only, which may be asked for
  const { root, share, histogram: _, ...rest } = found;
  if (root) rest.sampler ??= makeSampler(root as string, share as Sampler);
  rest.disabled = `${rest.disabled}` === "true";
  return rest;
}

/** Says which variable is ignored, not what it holds: that may be secret. */
function ignored(name: string, why = "unsupported"): void {
  diag.warn(`Ignored ${name}: ${why}`);
}

/** Sets an option, or a member of one that is a record, unless it is set; an underscore alone stands for all its members. */
function set(found: Found, option: string, value: unknown): void {
  const [name = "", member] = option.split("_");
  const more = member ? { [member]: value } : value;
  const given = found[name] ??= more;
  if (given && member !== undefined) {
    found[name] = { ...more as Found, ...given };
  }
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
  return list(text.toLowerCase()).filter(
    (name) =>
      ["tracecontext", "baggage", "none"].includes(name) ||
      ignored("a propagator"),
  );
}

/** `key=value,key=value`, both percent-encoded. */
function pairs(text: string): Record<string, string> {
  return Object.fromEntries(
    list(text).map((member) => {
      const pair = /^([^=]+)=(.*)/s.exec(member)!.slice(1);
      return pair.map((part) => decodeURIComponent(part.trim()));
    }),
  );
}

/** What stands between commas, unless that is nothing. */
function list(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}
