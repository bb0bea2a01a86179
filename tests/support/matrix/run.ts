/** One cascade under one SDK, and what a collector received of it. */
import { Telemetry } from "../../../src/otlp/mod.ts";
import { Collector } from "../collector.ts";
import { serveCollector } from "../collector_server.ts";
import {
  type Api,
  type Gathered,
  official,
  type OfficialSdk,
  type SdkVersion,
} from "../official.ts";
import { root } from "../offline.ts";
import { run } from "../process.ts";
import { type App, registeredApp, runCascade, type Seen } from "./cascade.ts";

/** What became of a cascade. */
export interface Outcome {
  readonly seen: Seen;
  readonly collector: Collector;
}

/** Under a `Telemetry`, given to the queue or registered. */
export async function withTelemetry(
  api: Api,
  { isRegistered }: Pick<App, "isRegistered">,
): Promise<Outcome> {
  const collector = new Collector();
  await using telemetry = new Telemetry({
    fetch: (input, init) => collector.handle(new Request(input, init)),
  });
  if (isRegistered && !telemetry.register()) throw new Error("Not registered");
  const seen = await runCascade(
    isRegistered ? registeredApp(api) : givenApp(api, telemetry),
  );
  const { error } = await telemetry.flush();
  if (error !== undefined) throw new Error(error);
  return { seen, collector };
}

/** Under an official SDK, given to the queue or registered through the app's copy of the API. */
export async function withOfficial(
  version: SdkVersion,
  api: Api,
  { isRegistered }: Pick<App, "isRegistered">,
): Promise<Outcome> {
  const sdk = official(version);
  using _registered = isRegistered ? register(api, sdk) : undefined;
  const seen = await runCascade(
    isRegistered ? registeredApp(api) : givenApp(api, sdk),
  );
  return { seen, collector: await received(await sdk.gather()) };
}

/** What the program of a Deno with its own SDK prints. */
export interface DenoSeen extends Seen {
  /** How many spans a `Telemetry` had after a request through its `fetch`. */
  readonly own: number;
}

/** Under Deno's own SDK, which exists in a process that is started with it. */
export async function withDeno(
  protocol: "http/protobuf" | "http/json",
): Promise<
  Outcome & {
    readonly seen: DenoSeen;
    /** The headers of the requests that the handler made, and then the app. */
    readonly requests: readonly Headers[];
  }
> {
  await using served = serveCollector();
  const requests: Headers[] = [];
  await using target = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    ({ headers }) => {
      requests.push(headers);
      return new Response("ok");
    },
  );
  const { code, text } = await run(Deno.execPath(), [
    "run",
    "-A",
    "--frozen",
    "tests/support/matrix/deno_sdk.ts",
    `http://127.0.0.1:${target.addr.port}/`,
  ], {
    cwd: root,
    env: {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_ENDPOINT: served.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    },
  });
  if (code !== 0) throw new Error(`The program failed:\n${text}`);
  const seen: DenoSeen = JSON.parse(text.split("\n").at(-1) ?? "");
  return { seen, collector: served.collector, requests };
}

type Given = Pick<
  OfficialSdk,
  "tracerProvider" | "meterProvider" | "propagator"
>;

/** An app in whose API nothing is registered. */
function givenApp(
  api: Api,
  given: Given | Telemetry,
): App {
  const { tracerProvider, propagator } = given;
  const meterProvider = given.meterProvider as OfficialSdk["meterProvider"];
  return {
    api,
    tracing: tracerProvider,
    measuring: meterProvider,
    propagation: propagator,
    telemetry: given,
    isRegistered: false,
  };
}

/** Where all copies of the API keep what is registered. */
const SLOT = Symbol.for("opentelemetry.js.api.1");

function register(api: Api, sdk: OfficialSdk): Disposable {
  const isRegistered = [
    api.trace.setGlobalTracerProvider(sdk.tracerProvider),
    api.metrics.setGlobalMeterProvider(sdk.meterProvider),
    api.propagation.setGlobalPropagator(sdk.propagator),
    api.context.setGlobalContextManager(sdk.contextManager.enable()),
  ];
  if (isRegistered.includes(false)) throw new Error("Not registered");
  return {
    [Symbol.dispose]() {
      const { trace, metrics, propagation, context } = api;
      for (const part of [trace, metrics, propagation, context]) part.disable();
      Reflect.deleteProperty(globalThis, SLOT);
    },
  };
}

/** Has a collector read what an SDK wrote. */
async function received({ traces, metrics }: Gathered): Promise<Collector> {
  const collector = new Collector();
  for (const [signal, body] of Object.entries({ traces, metrics })) {
    const { status } = await collector.handle(
      new Request(`http://localhost/v1/${signal}`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body,
      }),
    );
    if (status !== 200) throw new Error(`${signal} cannot be read: ${status}`);
  }
  return collector;
}
