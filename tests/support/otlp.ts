/** A telemetry whose exports go straight to a collector, on a clock that the test moves. */
import { Telemetry, type TelemetryOptions } from "../../src/otlp/mod.ts";
import { Collector } from "./collector.ts";
import { ManualClock } from "./manual_clock.ts";

/** A telemetry, where its exports arrive, and its clock. */
export interface Wired {
  readonly telemetry: Telemetry;
  readonly collector: Collector;
  readonly clock: ManualClock;
}

/** Wires a telemetry to a collector, without a network. */
export function wire(options: TelemetryOptions = {}): Wired {
  const collector = new Collector();
  const clock = new ManualClock();
  const telemetry = new Telemetry({
    serviceName: "test",
    fetch: (input, init) => collector.handle(new Request(input, init)),
    clock,
    random: () => 0.5,
    ...options,
  });
  return { telemetry, collector, clock };
}
