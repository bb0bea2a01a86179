import type { Attributes, Context, Histogram, Meter } from "@opentelemetry/api";
import { DURATION_BUCKETS } from "../queue/trace/metrics.ts";
import type { Providers } from "../queue/trace/providers.ts";

/** `http.server.request.duration` of one app. */
export class ServerDuration {
  readonly #providers: Providers;
  #made: { readonly of: Meter; readonly histogram: Histogram } | undefined;

  constructor(providers: Providers) {
    this.#providers = providers;
  }

  /** One request, in the context of its span, which may become its exemplar. */
  record(seconds: number, labels: Attributes, context: Context): void {
    this.#histogram().record(seconds, labels, context);
  }

  /** Instruments have no proxy in the API: this one is made anew when another provider is registered. */
  #histogram(): Histogram {
    const meter = this.#providers.meter();
    if (this.#made?.of !== meter) {
      const histogram = meter.createHistogram("http.server.request.duration", {
        description: "Duration of HTTP server requests.",
        unit: "s",
        advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
      });
      this.#made = { of: meter, histogram };
    }
    return this.#made.histogram;
  }
}
