import type { Attributes } from "./attributes.ts";

/** The library that made a span or an instrument: OpenTelemetry's instrumentation scope. */
export interface Library {
  readonly name: string;
  readonly version: string | undefined;
  readonly schemaUrl: string | undefined;
}

/** The version that telemetry reports of itself. */
export const SDK_VERSION = "0.1.0";

/** How an isolate is told from its siblings: by a random id, not at all, or by a given one. */
export type InstanceId = "isolate" | false | string;

/** What is known about the sender. */
export interface ResourceSettings {
  readonly serviceName: string | undefined;
  readonly serviceVersion: string | undefined;
  readonly instanceId: InstanceId;
  readonly attributes: Attributes;
}

/** Describes the sender; takes randomness, so it is called at the first export and not before. */
export function describeResource(settings: ResourceSettings): Attributes {
  const { serviceName, serviceVersion, instanceId, attributes } = settings;
  return {
    "service.name": unknownService(),
    "service.instance.id": instanceId === "isolate"
      ? crypto.randomUUID()
      : instanceId || undefined,
    "telemetry.sdk.name": "@baton/queue",
    "telemetry.sdk.language": "webjs",
    "telemetry.sdk.version": SDK_VERSION,
    ...attributes,
    ...(serviceName === undefined ? {} : { "service.name": serviceName }),
    ...(serviceVersion === undefined
      ? {}
      : { "service.version": serviceVersion }),
  };
}

/** The specification's name for a service without one, with the runtime where it tells its name. */
function unknownService(): string {
  const agent = (globalThis as { navigator?: { userAgent?: string } })
    .navigator?.userAgent;
  const runtime = agent && /^[A-Za-z-]+/.exec(agent)?.[0];
  return runtime
    ? `unknown_service:${runtime.toLowerCase()}`
    : "unknown_service";
}
