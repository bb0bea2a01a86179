/**
 * Where telemetry goes: what `Telemetry` takes for a Collector and for four vendors, with the temporality that each wants of metrics.
 *
 * Prints where one of them would be sent to: `deno run -A examples/endpoints.ts honeycomb`
 * The vendors' parts are written by their documentation; none of them was tried with an account.
 */
import { Telemetry, type TelemetryOptions } from "@baton/queue/otlp";

/** The secrets, by the names of environment variables. */
type Env = Readonly<Record<string, string | undefined>>;

export const endpoints: Readonly<
  Record<string, (env: Env) => TelemetryOptions>
> = {
  /** Its own defaults. What it hands on to Prometheus needs its processor `deltatocumulative`, or `temporality: "cumulative"` here, on hosts that live long. */
  collector: () => ({ endpoint: "http://localhost:4318" }),

  /** One gateway for both signals. Its metrics are Mimir's, which want totals: so each isolate keeps its `service.instance.id`, and is a series of its own. */
  grafana: (env) => ({
    endpoint: `https://otlp-gateway-${env["GRAFANA_ZONE"]}.grafana.net/otlp`,
    headers: {
      authorization: `Basic ${
        btoa(`${env["GRAFANA_INSTANCE"]}:${env["GRAFANA_TOKEN"]}`)
      }`,
    },
    temporality: "cumulative",
  }),

  /** `api.eu1.honeycomb.io` for the EU. Metrics without a dataset of theirs end in `unknown_metrics`. */
  honeycomb: (env) => ({
    endpoint: "https://api.honeycomb.io",
    headers: { "x-honeycomb-team": env["HONEYCOMB_API_KEY"] ?? "" },
    metrics: { headers: { "x-honeycomb-dataset": "shop-metrics" } },
    temporality: "delta",
  }),

  /** A dataset for each signal, of the kind that the signal has. Metrics are taken as protobuf only, which is the default here. */
  axiom: (env) => ({
    endpoint: "https://api.axiom.co",
    headers: { authorization: `Bearer ${env["AXIOM_TOKEN"]}` },
    traces: { headers: { "x-axiom-dataset": "shop-traces" } },
    metrics: { headers: { "x-axiom-dataset": "shop-metrics" } },
    temporality: "delta",
  }),

  /** Metrics have an intake of their own, which takes deltas only; that of traces is in preview, so they go by an Agent or a Collector. */
  datadog: (env) => ({
    endpoint: "http://localhost:4318",
    metrics: {
      url: "https://otlp.datadoghq.com/v1/metrics",
      headers: { "dd-api-key": env["DD_API_KEY"] ?? "" },
    },
    temporality: "delta",
  }),
};

/** What an app does with one of them. */
export function telemetryFor(
  name: string,
  env: Env,
  options: TelemetryOptions = {},
): Telemetry {
  const endpoint = endpoints[name];
  if (endpoint === undefined) {
    const names = Object.keys(endpoints).join(", ");
    throw new TypeError(`There is no endpoint '${name}': take one of ${names}`);
  }
  return new Telemetry({ serviceName: "shop", ...endpoint(env), ...options });
}

if (import.meta.main) {
  const [name = "collector"] = Deno.args;
  const telemetry = telemetryFor(name, Deno.env.toObject(), {
    fetch(request, init) {
      const { url } = new Request(request, init);
      console.log(`would send to ${url}`);
      return Promise.resolve(new Response());
    },
  });
  telemetry.tracerProvider.getTracer("example").startSpan("hello").end();
  telemetry.meterProvider.getMeter("example").createCounter("visits").add(1);
  const { spans, points } = await telemetry.flush();
  console.log(`${spans} span, ${points} point`);
}
