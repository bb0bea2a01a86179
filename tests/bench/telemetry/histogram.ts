/** A histogram's measurements, each with 4 attributes of its own making; collected and written now and then. */
import type { Histogram } from "@opentelemetry/api";
import { Telemetry } from "../../../src/otlp/mod.ts";
import { type Classes, pulling } from "../../support/official.ts";
import { consume, type Contest } from "./contest.ts";

/** How many measurements are written together. */
const RECORDS = 10_000;

/** Both SDKs' deltas, in protobuf. */
export function histogramContest(classes: Classes): Contest {
  return {
    operation: "histogram, 4 attributes",
    goal: 4,
    floor: 3,
    baton: batonWork(),
    official: officialWork(classes),
  };
}

function batonWork(): () => Promise<number> {
  const telemetry = new Telemetry({
    serviceName: "bench",
    async fetch(_, init) {
      consume(await new Response(init?.body).bytes());
      return new Response();
    },
  });
  const histogram = telemetry.meterProvider.getMeter("bench")
    .createHistogram("http.server.request.duration", { unit: "s" });
  return async () => {
    record(histogram);
    const { error } = await telemetry.flush();
    if (error !== undefined) throw new Error(error);
    return RECORDS;
  };
}

function officialWork(classes: Classes): () => Promise<number> {
  const reader = pulling(classes);
  const histogram = new classes.MeterProvider({ readers: [reader] })
    .getMeter("bench")
    .createHistogram("http.server.request.duration", { unit: "s" });
  return async () => {
    record(histogram);
    const { resourceMetrics } = await reader.collect();
    consume(
      classes.ProtobufMetricsSerializer.serializeRequest(resourceMetrics),
    );
    return RECORDS;
  };
}

function record(histogram: Pick<Histogram, "record">): void {
  for (let i = 0; i < RECORDS; i++) {
    histogram.record(i % 997, {
      "http.request.method": METHODS[i % METHODS.length]!,
      "http.route": ROUTES[i % ROUTES.length]!,
      "http.response.status_code": 200 + i % 5,
      "server.address": "shop.example",
    });
  }
}

const METHODS = ["GET", "POST", "PUT"];
const ROUTES = ["/", "/orders", "/orders/:id", "/cart", "/login", "/health"];
