import { diag, type Sampler } from "@opentelemetry/api";
import type { Protocol } from "./encoding.ts";
import {
  httpUrl,
  type SignalOptions,
  type TelemetryOptions,
} from "./options.ts";
import { alwaysOff, alwaysOn, parentBased, ratio } from "./sampler.ts";

const OTLP = "OTEL_EXPORTER_OTLP_";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Reads OpenTelemetry's variables. As the specification demands, what is empty counts as unset,
 * and what cannot be understood is reported through `diag` and ignored.
 */
export function readEnv(env: object): TelemetryOptions {
  const read = reader(env);
  const resource = read.pairs("OTEL_RESOURCE_ATTRIBUTES");
  const serviceName = read.text("OTEL_SERVICE_NAME");
  const sampler = readSampler(read);
  return {
    ...(serviceName === undefined ? {} : { serviceName }),
    ...(resource === undefined ? {} : { resource }),
    ...(sampler === undefined ? {} : { sampler }),
    ...readExport(read, OTLP, "endpoint"),
    traces: readSignal(read, "TRACES"),
    metrics: readSignal(read, "METRICS"),
    disabled: read.text("OTEL_SDK_DISABLED")?.toLowerCase() === "true",
  };
}

function readSignal(read: Reader, signal: string): SignalOptions | false {
  const exporter = read.oneOf(`OTEL_${signal}_EXPORTER`, ["otlp", "none"]);
  if (exporter === "none") return false;
  return readExport(read, `${OTLP}${signal}_`, "url");
}

function readExport<Key extends "endpoint" | "url">(
  read: Reader,
  prefix: string,
  key: Key,
): SignalOptions & { readonly [K in Key]?: string } {
  const options: Writable<SignalOptions> = {};
  const url = read.url(`${prefix}ENDPOINT`);
  const headers = read.pairs(`${prefix}HEADERS`);
  const timeoutMs = read.number(`${prefix}TIMEOUT`, Infinity);
  const protocol = read.oneOf<Protocol>(
    `${prefix}PROTOCOL`,
    ["http/protobuf", "http/json"],
  );
  const compression = read.oneOf<"none" | "gzip">(
    `${prefix}COMPRESSION`,
    ["none", "gzip"],
  );
  if (headers !== undefined) options.headers = headers;
  if (timeoutMs !== undefined) options.timeoutMs = timeoutMs;
  if (protocol !== undefined) options.protocol = protocol;
  if (compression !== undefined) options.compression = compression;
  return url === undefined ? options : { ...options, [key]: url };
}

function readSampler(read: Reader): Sampler | undefined {
  const name = read.oneOf("OTEL_TRACES_SAMPLER", [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
  ]);
  if (name === undefined) return undefined;
  const share = read.number("OTEL_TRACES_SAMPLER_ARG", 1) ?? 1;
  const root = name.endsWith("always_on")
    ? alwaysOn
    : name.endsWith("always_off")
    ? alwaysOff
    : ratio(share);
  return name.startsWith("parentbased_") ? parentBased(root) : root;
}

type Reader = ReturnType<typeof reader>;

function reader(env: object) {
  const text = (name: string): string | undefined => {
    const value = (env as Record<string, unknown>)[name];
    return typeof value === "string" ? value.trim() || undefined : undefined;
  };
  /** Says which variable is ignored, not what it holds: that may be secret. */
  const ignore = (name: string, expected: string): undefined => {
    diag.warn(`Ignored ${name}: expected ${expected}`);
  };
  return {
    text,
    number(name: string, max: number): number | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      const isGood = number >= 0 && number <= max && number < Infinity;
      return isGood ? number : ignore(name, "a number from 0");
    },
    oneOf<T extends string>(name: string, known: readonly T[]): T | undefined {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return undefined;
      return known.find((one) => one === value) ??
        ignore(name, known.join(", "));
    },
    url(name: string): string | undefined {
      const value = text(name);
      if (value === undefined || httpUrl(value) !== undefined) return value;
      return ignore(name, "an absolute http or https URL");
    },
    /** `key=value,key=value`, both percent-encoded; one that cannot be read invalidates all. */
    pairs(name: string): Record<string, string> | undefined {
      const members = text(name)?.split(",").filter((member) => member.trim());
      try {
        return members && Object.fromEntries(members.map(pair));
      } catch {
        return ignore(name, "key=value pairs, percent-encoded");
      }
    },
  };
}

function pair(member: string): [string, string] {
  const equals = member.indexOf("=");
  if (equals < 1) throw new TypeError("Cannot read a pair without a key");
  const key = decodeURIComponent(member.slice(0, equals).trim());
  return [key, decodeURIComponent(member.slice(equals + 1).trim())];
}
