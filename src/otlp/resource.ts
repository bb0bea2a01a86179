import type { Attributes } from "./attributes.ts";
import type { TelemetryOptions } from "./options.ts";

/** The library that made a span or an instrument: OpenTelemetry's instrumentation scope. */
export interface Library {
  readonly name: string;
  readonly version: string | undefined;
  readonly schemaUrl: string | undefined;
}

/** Hands out what `make` makes for a library, one for each. */
export function perLibrary<T>(
  make: (library: Library) => T,
): (
  name: string,
  version?: string,
  options?: { readonly schemaUrl?: string },
) => T {
  const known: Record<string, T> = {};
  return (name, version, options) => {
    const library = { name, version, schemaUrl: options?.schemaUrl };
    return known[JSON.stringify(library)] ??= make(library);
  };
}

/** The name that telemetry reports of itself. */
export const SDK_NAME = "@baton/queue";

/** The version that telemetry reports of itself. */
export const SDK_VERSION = "0.1.0";

/** How an isolate is told from its siblings: by a random id, not at all, or by a given one. */
export type InstanceId = "isolate" | false | string;

/** Describes the sender; takes randomness, so it is called at the first export and not before. */
export function describeResource(options: TelemetryOptions): Attributes {
  const { serviceName, serviceVersion, resource, instanceId = "isolate" } =
    options;
  return {
    "service.name": unknownService(),
    "service.instance.id": instanceId === "isolate"
      ? crypto.randomUUID()
      : instanceId || undefined,
    "telemetry.sdk.name": SDK_NAME,
    "telemetry.sdk.language": "webjs",
    "telemetry.sdk.version": SDK_VERSION,
    ...resource,
    ...(serviceName && { "service.name": serviceName }),
    ...(serviceVersion && { "service.version": serviceVersion }),
  };
}

interface Host {
  readonly navigator?: { readonly userAgent?: string };
}

/** The specification's name for a service without one, with the runtime where it tells its name. */
function unknownService(): string {
  const runtime =
    (globalThis as Host).navigator?.userAgent?.match(/^[a-z-]+/i) ?? [];
  return ["unknown_service", ...runtime].join(":").toLowerCase();
}
